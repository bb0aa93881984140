declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  /** The part of the settings that is used here. */
  interface Settings {
    domNode: HTMLElement;
    spec: unknown;
    deepLinking: boolean;
    docExpansion: "list" | "full" | "none";
    filter: boolean;
    defaultModelsExpandDepth: number;
    displayRequestDuration: boolean;
    validatorUrl: null;
    onComplete: () => void;
  }
  interface Viewer {
    preauthorizeApiKey(scheme: string, key: string): void;
  }
  export default function SwaggerUI(settings: Settings): Viewer;
}

declare module "*.css";

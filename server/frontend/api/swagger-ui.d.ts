declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  /** The part of the settings that is used here. */
  interface Settings {
    domNode: HTMLElement;
    url: string;
    deepLinking: boolean;
    docExpansion: "list" | "full" | "none";
    filter: boolean;
    defaultModelsExpandDepth: number;
    displayRequestDuration: boolean;
    validatorUrl: null;
  }
  export default function SwaggerUI(settings: Settings): unknown;
}

declare module "*.css";

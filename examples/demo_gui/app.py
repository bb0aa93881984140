"""A page with a button for each kind of record, and for each way to come to a bad end, by Gradio.

    pip install -r requirements.txt
    python app.py

"Start" starts an application: a process of its own, and a session. All buttons are for that one; a crash takes it down,
and leaves the page alone. Below stands what the server says of it.
"""

import argparse
import json
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before Gradio is imported: it would call home

import gradio as gr
from application import CRASHES
from child import Child

LEVELS = ["debug", "info", "warning", "error", "critical"]
KINDS = ["gauge", "counter", "histogram", "timer"]
NONE = "Start an application first."
LIGHT, DARK = "#1b6fae", "#62b0e8"  # the accent of the web UI
HUE = gr.themes.Color(
    c50="#eef6fc",
    c100="#d6e9f8",
    c200="#b0d4f1",
    c300="#8ac2ec",
    c400=DARK,
    c500=LIGHT,
    c600="#185f95",
    c700="#144f7c",
    c800="#103f63",
    c900="#0c304b",
    c950="#082133",
    name="datacat",
)
THEME = gr.themes.Default(
    primary_hue=HUE, secondary_hue=HUE, font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
).set(
    link_text_color=LIGHT, link_text_color_dark=DARK, link_text_color_visited=LIGHT, link_text_color_visited_dark=DARK
)
COLUMN = {"scale": 0, "min_width": 164, "size": "md"}  # of every button


def page(web_url: str) -> gr.Blocks:
    """The page.

    Args:
        web_url: where the web UI is, for the link to the session.
    """
    with gr.Blocks(title="DataCat demo", analytics_enabled=False) as blocks:
        child = gr.State(None, delete_callback=let_go)
        gr.Markdown("# DataCat demo\nStart an application, and do something to it.")
        with gr.Row():
            start = gr.Button("Start", variant="primary", **COLUMN)
            end = gr.Button("End", interactive=False, **COLUMN)
        link = gr.Markdown(elem_id="session")
        said = gr.Markdown(NONE, elem_id="said")
        verdict = gr.Markdown(elem_id="verdict")

        end.click(lambda child: child.end() if child else NONE, child, said)
        gr.Timer(1).tick(lambda child: child.verdict() if child else "", child, verdict, show_progress="hidden")

        def button(text: str, does, *inputs: gr.components.Component) -> None:
            made = gr.Button(text, interactive=False, **COLUMN)
            made.click(answering(does), [child, *inputs], said, show_progress="hidden")
            buttons.append(made)

        buttons = [end]
        with gr.Tab("Records"):
            with gr.Row(equal_height=True):
                patch = gr.Textbox('{"room": "vault", "player": {"health": 80}}', label="Patch of the state")
                button("Update state", lambda child, text: child.tell("state", patch=json.loads(text)), patch)
            with gr.Row(equal_height=True):
                event = gr.Textbox("door_opened", label="Event")
                level = gr.Dropdown(LEVELS, value="info", label="Level")
                data = gr.Textbox('{"door": "vault"}', label="Data")
                button("Log event", tell_event, event, level, data)
            with gr.Row(equal_height=True):
                metric = gr.Textbox("fps", label="Metric")
                kind = gr.Radio(KINDS, value="gauge", label="Kind")
                value = gr.Number(60, label="Value")
                button("Log metric", tell_metric, metric, kind, value)
            with gr.Row(equal_height=True):
                line = gr.Textbox("the door creaks", label="Line of the log")
                log_level = gr.Dropdown(LEVELS, value="warning", label="Level of the line")
                button(
                    "Log line", lambda child, text, level: child.tell("log", text=text, level=level), line, log_level
                )
            with gr.Row():
                button("Log exception", lambda child: child.tell("exception"))
        with gr.Tab("Hangs"):
            with gr.Row(equal_height=True):
                timeout = gr.Number(2, label="Silence that is a hang, in seconds")
                button("Watch heartbeat", lambda child, timeout: child.tell("heartbeat", timeout=timeout), timeout)
            with gr.Row(equal_height=True):
                button("Pause heartbeat", lambda child: child.tell("pause"))
                button("Resume heartbeat", lambda child: child.tell("resume"))
            with gr.Row(equal_height=True):
                seconds = gr.Number(5, label="Seconds")
                button("Hang", lambda child, seconds: child.tell("hang", seconds=seconds), seconds)
        with gr.Tab("Crashes"), gr.Row():
            button("Kill", Child.kill)
            for how in CRASHES:
                button(f"Crash: {how}", lambda child, how=how: child.tell("crash", how=how))

        def started(old: Child | None) -> list[object]:
            let_go(old)
            new = Child()
            shown = f"Session [{new.session}]({web_url}/sessions/{new.session})"
            return [new, shown, "The application runs.", *(gr.Button(interactive=True) for _ in buttons)]

        start.click(started, child, [child, link, said, *buttons])
    return blocks


def tell_event(child: Child, name: str, level: str, data: str) -> str:
    return child.tell("event", name=name, level=level, data=json.loads(data or "{}"))


def tell_metric(child: Child, name: str, kind: str, value: float) -> str:
    return child.tell("metric", name=name, kind=kind, value=value)


def answering(does):
    """A handler that has an answer also where there is no application, and to what is no JSON."""

    def handle(child: Child | None, *inputs: object) -> str:
        if child is None:
            return NONE
        try:
            return does(child, *inputs)
        except json.JSONDecodeError as error:
            return f"That is no JSON: {error}."

    return handle


def let_go(child: Child | None) -> None:
    """End the application of a page that was closed, or that has another one now."""
    if child is not None:
        child.end()


def main() -> None:
    parser = argparse.ArgumentParser(description="A page to try DataCat with.")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860 on")
    parser.add_argument("--web-url", default="http://localhost:8080", help="the web UI (default: %(default)s)")
    options = parser.parse_args()
    blocks = page(options.web_url.rstrip("/"))
    own = {"theme": THEME, "footer_links": [], "ssr_mode": False}
    _, address, _ = blocks.launch(server_port=options.port, quiet=True, prevent_thread_lock=True, **own)
    print(f"The demo's page: {address}", flush=True)
    blocks.block_thread()


if __name__ == "__main__":
    main()

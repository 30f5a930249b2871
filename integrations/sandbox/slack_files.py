"""Slack's way of taking files: an address for each, the bytes, then one call that shows them somewhere."""

from typing import Any

from integrations.sandbox.exchange import Answer, Call
from integrations.sandbox.slack_channels import Body, Method, inside
from integrations.sandbox.slack_rules import Ask, Refusal
from integrations.sandbox.slack_state import Upload, Workspace


def upload_url(space: Workspace, ask: Ask) -> Body:
    """Give an address for a file of this name and length."""
    length = ask.need("length")
    if not length.isdecimal() or int(length) < 1:
        raise Refusal("invalid_arguments")
    file = space.new_id("F")
    space.uploads[file] = Upload(ask.need("filename"), int(length))
    return {"upload_url": space.upload_url(file), "file_id": file}


def complete_upload(space: Workspace, ask: Ask) -> Body:
    """Show the files that have come in a channel, as one message of the app."""
    files = [_uploaded(space, one) for one in ask.structure("files", "invalid_arguments") or []]
    if not files:
        raise Refusal("invalid_arguments")
    if ask.text("channel_id"):
        asked = Ask(ask.method, ask.token, {**ask.fields, "channel": ask.need("channel_id")})
        channel, bot = inside(space, asked), space.people[ask.me]
        shown = {"user": ask.me, "bot_id": bot.bot_id, "text": ask.text("initial_comment"), "files": files}
        space.post(channel, {"subtype": "file_share", **shown})
    return {"files": [{"id": one["id"], "title": one["title"]} for one in files]}


def receive(space: Workspace, call: Call) -> Answer:
    """Take a file's bytes, which must be as many as were announced."""
    upload = space.uploads.get(call.path_params["file"])
    if upload is None or len(call.raw) != upload.length:
        return Answer(400, "the file is unknown, or not as long as it was said to be")
    upload.content = call.raw
    return Answer(200, f"OK - {upload.length}")


METHODS: dict[str, Method] = {
    "files.completeUploadExternal": complete_upload,
    "files.getUploadURLExternal": upload_url,
}


def _uploaded(space: Workspace, said: dict[str, Any]) -> dict[str, Any]:
    upload = space.uploads.get(str(said.get("id", "")))
    if upload is None or upload.content is None:
        raise Refusal("file_not_found")
    return {
        "id": said["id"],
        "name": upload.name,
        "title": said.get("title", upload.name),
        "size": upload.length,
    }

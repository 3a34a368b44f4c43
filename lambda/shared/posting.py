"""Posts a message in the form that its chat takes, with the secret as it is now."""

import os
from collections.abc import Callable
from typing import Any

from shared.chats import Chat, Unposted, chat_of, post
from shared.layouts import generic, plain, slack, slack_plain, slack_reply, teams
from shared.messages import Message
from shared.secret import secret

LAYOUTS: dict[str, Callable[[Message, str], dict[str, Any]]] = {
    "slack": slack,
    "teams": teams,
    "text": plain,
    "generic": generic,
}


def send(
    message: Message, note: str, settings: dict[str, Any], thread: str = "", loud: bool = False
) -> str:
    """Posts with the secret as it is known, and once more with the one that it is now."""
    chat = the_chat(settings)
    try:
        return laid_out(chat, message, note, thread, loud)
    except Unposted as problem:
        if not problem.stale or the_chat(settings, anew=True) == chat:
            raise
    return laid_out(the_chat(settings), message, note, thread, loud)


def the_chat(settings: dict[str, Any], anew: bool = False) -> Chat:
    return chat_of(secret(anew), os.environ["TRAILBUS_CHANNEL"], settings["format"])


def laid_out(chat: Chat, message: Message, note: str, thread: str, loud: bool) -> str:
    """Posts in the chat's layout; a message that it does not take so goes out in plain words."""
    answer = thread if chat.threads else ""
    document = slack_reply(message, note) if answer else LAYOUTS[chat.layout](message, note)
    # Each form has less that a chat could refuse.
    plainer = [slack_plain(message)] if chat.layout == "slack" else []
    forms = [document, *plainer, *([] if chat.layout == "text" else [plain(message, note)])]
    while True:
        try:
            return post(chat, forms.pop(0), answer, loud)
        except Unposted as problem:
            if problem.no_thread and answer:
                answer, forms = "", [LAYOUTS[chat.layout](message, note), *forms]
            elif not problem.unfit or not forms:
                raise

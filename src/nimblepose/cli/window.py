"""A window that shows drawn frames, where there is a screen; with what Python brings along."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from nimblepose.core.errors import MediaError, MissingPackageError
from nimblepose.media.pictures import Picture

_CLOSING_KEYS = ("q", "Escape")
_MODIFIERS = ("Shift", "Control", "Alt", "Meta", "Super", "Caps", "ISO_")  # keys that are pressed with others
_PAUSE = 0.02  # seconds between looks at the keyboard


class Window:
    """Opens with `with`; `show` says whether the person still looks."""

    def __init__(self, title: str) -> None:
        """Open it.

        Raises:
            MediaError: there is no screen.
            MissingPackageError: Python was built without Tk.
        """
        try:
            import tkinter
        except ImportError as error:
            raise MissingPackageError("--show needs Tk: install python3-tk with your system's packages") from error
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise MediaError(
                f"--show needs a screen ({error}); leave it out and look at the annotated video"
            ) from error
        self._root.title(title)
        self._label = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()
        self._open, self._pressed = True, False
        self._root.bind("<Key>", self._note_key)
        self._root.protocol("WM_DELETE_WINDOW", self._end)
        for key in _CLOSING_KEYS:
            self._root.bind(f"<{key}>" if len(key) > 1 else key, lambda _: self._end())

    def show(self, picture: Picture) -> bool:
        """Show (H, W, 3) RGB, made smaller if the screen is; False once the window was closed."""
        from PIL import Image, ImageTk

        if self._open:
            image = Image.fromarray(picture)
            image.thumbnail((self._root.winfo_screenwidth(), self._root.winfo_screenheight() - 80))
            shown: Any = ImageTk.PhotoImage(image, master=self._root)
            self._label.configure(image=shown)
            self._shown = shown  # Tk itself does not keep it alive
            self._root.update()
        return self._open

    def wait(self, stopped: Callable[[], bool]) -> bool:
        """Leave the picture there until a key is pressed or `stopped` says so; False once the window was closed."""
        self._pressed = False
        while self._open and not self._pressed and not stopped():
            self._root.update()
            time.sleep(_PAUSE)
        return self._open

    def _note_key(self, event: Any) -> None:
        self._pressed = self._pressed or not event.keysym.startswith(_MODIFIERS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()
        self._root.destroy()

    def _end(self) -> None:
        self._open = False

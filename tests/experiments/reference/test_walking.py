"""Carrying out a page: commands run in order, outputs come into their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_fingerprints.errors import AutosegError
from experiments.reference.walking import show_outputs, walk

PAGE = """# A page

```sh
echo one > file          # a comment
printf 'a\\nb\\nc\\nd\\n' \\
  && cat file
```

```text
old first
...
old last
```

Words in between.

```sh
cat file
```

```python
print(open("file").read().strip() * 2)
```

```text
stale
```
"""


def test_outputs_take_the_place_of_what_the_page_showed(tmp_path: Path) -> None:
    ran = list(walk(PAGE, tmp_path))
    assert [one.output for one in ran] == ["a\nb\nc\nd\none\n", "one\n", "oneone\n"]
    page = show_outputs(PAGE, ran)
    assert "```text\na\n...\none\n```" in page
    assert "```text\noneone\n```" in page
    assert "stale" not in page
    assert page.count("```text") == 2
    assert show_outputs(page, list(walk(page, tmp_path))) == page


def test_a_command_that_fails_is_named_with_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(AutosegError, match=r"exit 3: ended with code 3\. It printed:\nwhy"):
        list(walk("```sh\necho why; exit 3\n```\n", tmp_path))


def test_commands_can_be_changed_or_left_out(tmp_path: Path) -> None:
    left = {"echo a": "echo b", "false": None}
    ran = list(walk("```sh\necho a\nfalse\n```\n", tmp_path, lambda command: left[command]))
    assert ran[0].output == "b\n"


def test_what_progress_redraws_is_not_shown(tmp_path: Path) -> None:
    assert next(walk("```sh\nprintf '1 of 2\\r2 of 2\\rdone\\n'\n```\n", tmp_path)).output == "done\n"


def test_an_output_shorter_than_what_the_page_showed_is_whole(tmp_path: Path) -> None:
    page = "```sh\nprintf 'a\\nb\\nc\\n'\n```\n\n```text\n...\nx\nx\nx\nx\nx\n```\n"
    assert "```text\na\nb\nc\n```" in show_outputs(page, list(walk(page, tmp_path)))

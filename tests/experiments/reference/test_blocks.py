"""Blocks of code on a page, and the commands in them."""

from __future__ import annotations

from experiments.reference.blocks import list_blocks, split_commands

PAGE = """# A page

```sh
echo one
```

```text
one
```

Words, then an output that belongs to no block.

```text
two
```

```python
print(3)
```
```json
{}
```

    indented
"""


def test_blocks_come_in_order_and_outputs_are_blocks_too() -> None:
    blocks = list_blocks(PAGE)
    assert [(block.kind, block.typed) for block in blocks] == [
        ("sh", "echo one\n"),
        ("text", "one\n"),
        ("text", "two\n"),
        ("python", "print(3)\n"),
        ("json", "{}\n"),
    ]


def test_an_output_belongs_to_the_block_directly_above_it() -> None:
    blocks = list_blocks(PAGE)
    assert [block.shown for block in blocks] == ["one\n", None, None, None, None]
    start, stop = blocks[0].place
    assert PAGE[start:stop] == "```sh\necho one\n```\n\n```text\none\n```\n"
    start, stop = blocks[-1].place
    assert PAGE[start:stop] == "```json\n{}\n```\n"


def test_a_page_without_blocks_has_none() -> None:
    assert list_blocks("# A page\n\n    indented\n") == ()


def test_only_blocks_of_commands_have_commands() -> None:
    assert [block.commands() for block in list_blocks(PAGE)] == [("echo one",), (), (), (), ()]


def test_comments_alone_are_no_commands() -> None:
    assert split_commands("# nothing\nls  # list\n\n  # indented\n") == ("ls",)


def test_a_number_sign_inside_a_command_stays() -> None:
    assert split_commands('autoseg show --at "#scores" a#b\n') == ('autoseg show --at "#scores" a#b',)


def test_lines_that_go_on_are_one_command() -> None:
    (command,) = split_commands("autoseg train 0 \\\n  --max-minutes 3  # quick\n")
    assert command.split() == ["autoseg", "train", "0", "--max-minutes", "3"]


def test_loops_over_words_are_written_out_and_others_left_to_the_shell() -> None:
    assert split_commands("for m in a-b c/d; do run $m $more -o $m.json; done  # both\n") == (
        "run a-b $more -o a-b.json",
        "run c/d $more -o c/d.json",
    )
    assert split_commands("for f in *.nii; do run $f; done\n") == ("for f in *.nii; do run $f; done",)

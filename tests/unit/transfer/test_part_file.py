import hashlib
import os
import shutil
from pathlib import Path

import pytest

from visavis.transfer.messages import ResumePoint
from visavis.transfer.part_file import ChecksumError, PartFile, StorageError

CONTENT = bytes(range(256)) * 40
SIZE = len(CONTENT)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def received(directory: Path, name: str = "a.bin", *, force: bool = False) -> Path:
    """A file that comes whole, from wherever the sender finds the receiver to stand."""
    part = PartFile(directory, name, SIZE, force=force)
    right = [point.offset for point in part.look() if digest(CONTENT[: point.offset]) == point.sha256]
    part.begin(max(right, default=0))
    part.write(CONTENT[part.written :])
    return part.finish(digest(CONTENT))


def test_a_file_is_a_part_until_it_is_whole(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "new" / "directory", "a.bin", SIZE)
    assert part.look() == ()
    part.begin(0)
    assert part.write(CONTENT[:100]) == 100
    assert [path.name for path in part.path.parent.iterdir()] == ["a.bin.part"] if part.path else False
    part.write(CONTENT[100:])
    path = part.finish(digest(CONTENT))
    assert path == tmp_path / "new" / "directory" / "a.bin"
    assert path.read_bytes() == CONTENT
    assert [each.name for each in path.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("offset", [1, 4096, SIZE - 1, SIZE])
def test_another_program_goes_on_where_one_stopped(tmp_path: Path, offset: int) -> None:
    first = PartFile(tmp_path, "a.bin", SIZE)
    first.look()
    first.begin(0)
    first.write(CONTENT[:offset])
    first.close()
    second = PartFile(tmp_path, "a.bin", SIZE)
    assert second.look() == (ResumePoint(offset, digest(CONTENT[:offset])),)
    second.begin(offset)
    second.write(CONTENT[offset:])
    assert second.finish(digest(CONTENT)).read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["a.bin"]


def test_after_a_break_the_same_program_reads_nothing_again(tmp_path: Path) -> None:
    part = PartFile(tmp_path, "a.bin", SIZE)
    part.look()
    part.begin(0)
    part.write(CONTENT[:77])
    assert part.look() == (ResumePoint(77, digest(CONTENT[:77])),)
    part.begin(77)
    part.write(CONTENT[77:])
    assert part.finish(digest(CONTENT)).read_bytes() == CONTENT


def test_when_the_sender_has_another_file_by_now_it_is_written_anew(tmp_path: Path) -> None:
    part = PartFile(tmp_path, "a.bin", SIZE)
    part.begin(0)
    part.write(b"old")
    part.begin(0)
    part.write(CONTENT)
    assert part.finish(digest(CONTENT)).read_bytes() == CONTENT


def test_what_exists_is_not_overwritten(tmp_path: Path) -> None:
    for name in ("a.bin", "a (1).bin"):
        (tmp_path / name).write_bytes(b"mine")
    assert received(tmp_path).name == "a (2).bin"
    assert (tmp_path / "a.bin").read_bytes() == b"mine"


def test_unless_that_is_asked_for(tmp_path: Path) -> None:
    for name in ("a.bin", "a.bin.part"):
        (tmp_path / name).write_bytes(b"old")
    assert received(tmp_path, force=True).name == "a.bin"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_part_of_another_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(b"of something else")
    assert received(tmp_path) == tmp_path / "a.bin"
    assert (tmp_path / "a.bin.part").read_bytes() == b"of something else"


def test_the_right_one_of_several_beginnings_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(b"of something else")
    (tmp_path / "a (1).bin.part").write_bytes(CONTENT[:500])
    part = PartFile(tmp_path, "a.bin", SIZE)
    assert ResumePoint(500, digest(CONTENT[:500])) in part.look()
    part.close()
    assert received(tmp_path) == tmp_path / "a.bin"
    assert os.listdir(tmp_path).count("a (1).bin.part") == 0


def test_a_part_that_another_transfer_writes_is_left_alone(tmp_path: Path) -> None:
    other = PartFile(tmp_path, "a.bin", SIZE)
    other.begin(0)
    other.write(CONTENT[:10])
    assert received(tmp_path) == tmp_path / "a.bin"
    other.write(CONTENT[10:])
    assert other.finish(digest(CONTENT)) == tmp_path / "a (1).bin"


def test_a_file_that_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    part = PartFile(tmp_path, "a.bin", SIZE)
    assert part.look() == (ResumePoint(SIZE, digest(CONTENT)),)
    part.begin(SIZE)
    assert part.is_there_already
    assert part.finish(digest(CONTENT)) == tmp_path / "a.bin"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_wrong_checksum_removes_what_came(tmp_path: Path) -> None:
    part = PartFile(tmp_path, "a.bin", SIZE)
    part.begin(0)
    part.write(CONTENT)
    with pytest.raises(ChecksumError, match="checksum"):
        part.finish(digest(b"else"))
    assert os.listdir(tmp_path) == []


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    part = PartFile(tmp_path, "empty", 0)
    assert part.look() == ()
    part.begin(0)
    assert part.finish(digest(b"")).read_bytes() == b""


def test_a_beginning_without_a_byte_does_not_stay(tmp_path: Path) -> None:
    part = PartFile(tmp_path, "a.bin", SIZE)
    part.begin(0)
    part.close()
    assert os.listdir(tmp_path) == []


def test_a_part_is_never_a_link_to_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(CONTENT[:9])
    (tmp_path / "a.bin.part").symlink_to(elsewhere)
    received(tmp_path, force=False)
    assert elsewhere.read_bytes() == CONTENT[:9]


def test_no_room_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=SIZE - 1))
    part = PartFile(tmp_path, "a.bin", SIZE)
    with pytest.raises(StorageError, match="make room"):
        part.begin(0)
    part.close()


def test_a_full_disk_is_said_and_what_came_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = PartFile(tmp_path, "a.bin", SIZE)
    part.begin(0)
    part.write(CONTENT[:10])

    def full(descriptor: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StorageError, match=r"no room is left.*kept in a\.bin\.part"):
            part.write(CONTENT[10:])
    part.close()
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:10]


def test_a_directory_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="--into"):
        PartFile(tmp_path / "file" / "sub", "a.bin", SIZE).look()

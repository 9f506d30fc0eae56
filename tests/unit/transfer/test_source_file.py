import hashlib
import os
from pathlib import Path

import pytest

from visavis.errors import ConfigError
from visavis.transfer.messages import FileInfo, ResumePoint
from visavis.transfer.source_file import SourceChangedError, SourceFile, SourceReader

CONTENT = bytes(range(256)) * 40


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> SourceFile:
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    return SourceFile.find(path)


def test_a_file_is_read_in_blocks_with_its_digest(file: SourceFile) -> None:
    assert file.info == FileInfo("a.bin", len(CONTENT))
    with SourceReader(file) as reader:
        blocks = [reader.read(3000) for _ in range(4)]
        assert [len(block) for block in blocks] == [3000, 3000, 3000, len(CONTENT) - 9000]
        assert b"".join(blocks) == CONTENT
        assert reader.read() == b""
        assert reader.finish() == digest(CONTENT)


@pytest.mark.parametrize("offset", [1, 5000, len(CONTENT)])
def test_it_is_read_from_the_furthest_point_that_is_right(file: SourceFile, offset: int) -> None:
    points = [
        ResumePoint(len(CONTENT), digest(b"another")),
        ResumePoint(offset, digest(CONTENT[:offset])),
        ResumePoint(1, digest(CONTENT[:1])),
    ]
    with SourceReader(file) as reader:
        assert reader.seek(points) == offset
        assert reader.read() == CONTENT[offset:]
        assert reader.finish() == digest(CONTENT)


def test_where_none_is_right_it_is_read_from_the_beginning(file: SourceFile) -> None:
    with SourceReader(file) as reader:
        assert reader.seek([ResumePoint(100, digest(b"another"))]) == 0
        assert reader.read() == CONTENT
        assert reader.finish() == digest(CONTENT)


def test_a_file_that_was_changed_before_is_noticed(file: SourceFile) -> None:
    file.path.write_bytes(CONTENT + b"!")
    with pytest.raises(SourceChangedError, match=r"a\.bin was changed"):
        SourceReader(file)


def test_a_file_that_is_changed_in_the_middle_is_noticed(file: SourceFile) -> None:
    with SourceReader(file) as reader:
        reader.read(10)
        with file.path.open("r+b") as opened:
            opened.write(b"x")
        os.utime(file.path, ns=(1, 1))
        reader.read()
        with pytest.raises(SourceChangedError):
            reader.finish()


def test_a_file_that_becomes_shorter_is_noticed(file: SourceFile) -> None:
    with SourceReader(file) as reader:
        os.truncate(file.path, 10)
        with pytest.raises(SourceChangedError, match="shorter"):
            reader.read()


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory; pack it first"):
        SourceFile.find(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        SourceFile.find(tmp_path / "missing")
    with pytest.raises(ConfigError, match="no file but a device"):
        SourceFile.find(Path("/dev/null"))

"""A collection embedded from a bucket into it, against a real server that speaks S3.

python -m venv s3 && s3/bin/pip install 'moto[server,s3]'; pip install s3fs
MOTO_SERVER=s3/bin/moto_server pytest -m slow tests/embedding/test_embed_s3.py
"""

import io

import pytest

pytestmark = pytest.mark.slow


def rows_of(open_file, files):
    import pyarrow.parquet as parquet

    found = {}
    for file in files:
        with open_file(file) as stream:
            table = parquet.read_table(io.BytesIO(stream.read()))
        found |= {row["sha256"]: row["embedding"] for row in table.to_pylist()}
    return found


def test_a_bucket_is_embedded_into_itself_as_a_folder_is_and_resumes(
    bucket, tmp_path, work_of, samehand
):
    s3fs = pytest.importorskip("s3fs")
    files = s3fs.S3FileSystem(skip_instance_cache=True)
    for number in range(5):
        work_of(number, 0).save(tmp_path / f"{number}.png")
        files.put(str(tmp_path / f"{number}.png"), f"museum/scans/{number}.png")
    first = samehand("embed", f"{bucket}/scans", "--out", f"{bucket}/embedded")
    assert first.code == 0, first.err
    again = samehand("embed", f"{bucket}/scans", "--out", f"{bucket}/embedded")
    assert "embedded 0" in again.out + again.err
    assert "there already 5" in again.out + again.err
    assert samehand("embed", tmp_path, "--out", tmp_path / "local").code == 0
    there = [name for name in files.find("museum/embedded") if name.endswith(".parquet")]
    local = sorted((tmp_path / "local").rglob("*.parquet"))
    rows = rows_of(files.open, there)
    assert len(rows) == 5
    assert rows == rows_of(lambda path: path.open("rb"), local)


def test_a_bucket_takes_parts_in_lance_and_resumes(bucket, tmp_path, work_of, samehand):
    pytest.importorskip("s3fs")
    for number in range(5):
        work_of(number, 0).save(tmp_path / f"{number}.png")
    command = ["embed", tmp_path, "--out", f"{bucket}/lance", "--format", "lance", "--batch", "2"]
    first = samehand(*command)
    assert "embedded 5" in first.out, first.err
    again = samehand(*command)
    assert "embedded 0" in again.out
    assert "there already 5" in again.out, again.err

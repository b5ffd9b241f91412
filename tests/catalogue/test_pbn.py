import pytest

from samehand.catalogue.pbn import read_pbn
from samehand.errors import CatalogueError

HEADER = (
    "artist,date,genre,pixelsx,pixelsy,size_bytes,source,style,title,artist_group,"
    "in_train,new_filename\n"
)


def csv_row(name, artist="Ann", in_train=True, size=""):
    return f"{artist},1985.0,,64.0,48.0,{size},wikiart,Cubism,T,train_and_test,{in_train},{name}\n"


def origins(row):
    return [blob.origin for blob in row.files]


def test_zips_are_read_by_name_whatever_their_folders(tmp_path, encoded, write_zip):
    rows = [csv_row("1.jpg", size="10.0"), csv_row("2.jpg", in_train=False), csv_row("3.jpg")]
    (tmp_path / "all_data_info.csv").write_text(HEADER + "".join(rows) + csv_row("1.jpg"))
    write_zip(
        tmp_path / "train_2.zip",
        {"train_2/1.jpg": encoded(1), "__MACOSX/._1.jpg": b"", "train_2/9.jpg": b"x"},
    )
    write_zip(tmp_path / "test.zip", {"2.jpg": encoded(2), "read me.txt": b""})
    write_zip(tmp_path / "submission_info.csv.zip", {"1.jpg": b""})
    replacements = {"replacements_for_corrupted_files/train/1.jpg": encoded(3)}
    write_zip(tmp_path / "replacements_for_corrupted_files.zip", replacements)
    with read_pbn(tmp_path) as source:
        assert [row.painting_id for row in source.rows] == ["1", "2", "3"]
        assert origins(source.rows[0]) == [
            "replacements_for_corrupted_files.zip/replacements_for_corrupted_files/train/1.jpg",
            "train_2.zip/train_2/1.jpg",
        ]
        assert source.rows[0].files[1].read() == encoded(1)
        assert origins(source.rows[1]) == ["test.zip/2.jpg"]
        assert origins(source.rows[2]) == []
        assert (source.rows[0].size_bytes, source.rows[0].pixels) == (10, 64 * 48)
        assert [row.in_train for row in source.rows] == [True, False, True]
        assert source.unnamed == ["train_2.zip/train_2/9.jpg"]
        assert source.repeated == ["1.jpg"]


def test_one_name_on_both_sides_is_two_files(tmp_path, write_zip):
    (tmp_path / "all_data_info.csv").write_text(HEADER + csv_row("1.jpg", in_train=False))
    write_zip(tmp_path / "train.zip", {"train/1.jpg": b"a"})
    write_zip(tmp_path / "test.zip", {"test/1.jpg": b"b"})
    replacements = {"train/1.jpg": b"c"}
    write_zip(tmp_path / "replacements_for_corrupted_files.zip", replacements)
    with read_pbn(tmp_path) as source:
        assert origins(source.rows[0]) == ["test.zip/test/1.jpg"]


def test_the_older_table_and_unpacked_folders(tmp_path, encoded):
    (tmp_path / "train_info.csv").write_text("filename,artist,title\n1.jpg,abc123,\n")
    (tmp_path / "train_2" / "inner").mkdir(parents=True)
    (tmp_path / "train_2" / "inner" / "1.jpg").write_bytes(encoded(1))
    with read_pbn(tmp_path) as source:
        assert origins(source.rows[0]) == ["train_2/inner/1.jpg"]
        assert source.rows[0].in_train is True
        assert source.rows[0].artist_group is None


def test_where_the_table_does_not_say_the_zip_does(tmp_path, write_zip):
    (tmp_path / "all_data_info.csv").write_text("artist,new_filename\nAnn,1.jpg\nBo,2.jpg\n")
    write_zip(tmp_path / "train_1.zip", {"1.jpg": b"a"})
    write_zip(tmp_path / "test.zip", {"2.jpg": b"b"})
    with read_pbn(tmp_path) as source:
        assert [row.in_train for row in source.rows] == [True, False]


def refused(folder, message):
    with pytest.raises(CatalogueError, match=message), read_pbn(folder):
        pass


def test_folders_that_cannot_be_used(tmp_path, write_zip):
    refused(tmp_path / "nowhere", "does not exist")
    refused(tmp_path, "no all_data_info.csv or train_info.csv")
    table = tmp_path / "all_data_info.csv"
    table.write_text("artist,filename_new\nAnn,1.jpg\n")
    refused(tmp_path, "needs the columns new_filename")
    table.write_text(HEADER + csv_row("1.jpg"))
    refused(tmp_path, "no train.zip")
    write_zip(tmp_path / "train.zip", {"train/2.jpg": b""})
    refused(tmp_path, "1.jpg for one")
    table.write_text(HEADER + csv_row(""))
    refused(tmp_path, "all_data_info.csv names no files")


def test_a_zip_that_was_cut_short_is_refused(tmp_path, encoded, write_zip):
    (tmp_path / "all_data_info.csv").write_text(HEADER + csv_row("1.jpg"))
    path = write_zip(tmp_path / "train.zip", {"train/1.jpg": encoded(1)})
    path.write_bytes(path.read_bytes()[:-40])
    refused(tmp_path, "train.zip is damaged or not a zip file")

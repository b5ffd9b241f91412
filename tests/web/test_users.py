"""The file of users: hashed, private, strict, and changed by commands that ask for the password."""

import json
import stat

import pytest
from typer.testing import CliRunner

from samehand.cli import app
from samehand.web.users import (
    Users,
    UsersError,
    check_name,
    password_is,
    read_users,
    with_user,
    without_user,
)

PASSWORD = "correct horse battery"
WITH = '{"format": 1, "secret": "x", "users": [{"name": "A", "role": "%s", "password": "%s"}]}'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "users.json"
    with_user(path, "Ann", "decider", PASSWORD)
    return path


def test_a_file_holds_no_password_and_only_its_owner_reads_it(file):
    text = file.read_text()
    assert PASSWORD not in text
    assert read_users(file).users["Ann"].password.startswith("$argon2id$")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_right_password_alone_is_right(file):
    ann = read_users(file).users["Ann"]
    assert password_is(ann, PASSWORD)
    assert not password_is(ann, PASSWORD + " ")
    assert not password_is(ann, "")
    assert not password_is(None, PASSWORD)
    assert not password_is(ann, "x" * 10**6)


def test_a_change_keeps_the_secret_and_the_others(file):
    before = read_users(file)
    with_user(file, "Bo", "reader", "another long one")
    without_user(file, "Ann")
    after = read_users(file)
    assert after.secret == before.secret
    assert set(after.users) == {"Bo"}


@pytest.mark.parametrize("name", ["", " Ann", "Ann ", "a:b", "a\nb", "x" * 65])
def test_names_that_http_cannot_carry_are_refused(name):
    with pytest.raises(UsersError, match="choose another"):
        check_name(name)


@pytest.mark.parametrize("name", ["A", "Ann", "Åsa Öberg", "o'neill@museum.example", "x" * 64])
def test_names_of_people_are_taken(name):
    check_name(name)


def test_a_short_password_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(UsersError, match="10 to 1000"):
        with_user(tmp_path / "u.json", "Ann", "reader", "short")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 1, "secret": "x", "users": [{"name": "Ann"}]}',
        WITH % ("king", "$argon2"),
        WITH % ("reader", "plain"),
        '{"format": 9, "secret": "x", "users": []}',
    ],
)  # fmt: skip
def test_other_files_are_refused_in_a_sentence(tmp_path, text):
    path = tmp_path / "u.json"
    path.write_text(text)
    with pytest.raises(UsersError, match=str(path)):
        read_users(path)


def test_a_server_without_anybody_to_let_in_does_not_start(tmp_path, file):
    with pytest.raises(UsersError, match="cannot read"):
        Users(tmp_path / "absent.json")
    without_user(file, "Ann")
    with pytest.raises(UsersError, match="names nobody"):
        Users(file)


def test_a_server_sees_a_change_at_once(file):
    users = Users(file)
    with_user(file, "Bo", "reader", "another long one")
    assert set(users.now().users) == {"Ann", "Bo"}
    file.unlink()
    with pytest.raises(UsersError, match="disk"):
        users.now()


def test_the_commands_ask_for_the_password(tmp_path):
    run = CliRunner().invoke
    file = str(tmp_path / "u.json")
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    added = run(app, ["users", "add", file, "Ann", "--role", "decider"], input=typed)
    assert added.exit_code == 0, added.output
    assert PASSWORD not in added.output
    assert password_is(read_users(file).users["Ann"], PASSWORD)
    assert "decider\tAnn" in run(app, ["users", "list", file]).output
    again = run(app, ["users", "add", file, "Ann"], input=typed)
    assert "--replace" in str(again.exception)
    replaced = run(app, ["users", "add", file, "Ann", "--replace"], input=typed)
    assert replaced.exit_code == 0
    assert read_users(file).users["Ann"].role == "reader"
    assert run(app, ["users", "remove", file, "Ann"]).exit_code == 0
    assert json.loads((tmp_path / "u.json").read_text())["users"] == []
    assert "has no user" in str(run(app, ["users", "remove", file, "Ann"]).exception)

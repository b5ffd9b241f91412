"""A gallery keeps to its model, and the commands say how to go on with it."""


def test_the_next_command_and_a_refusal_name_the_gallerys_model(
    samehand, tiny_model, tmp_path, monkeypatch
):
    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path / "home"))
    made = samehand("gallery", "create", "masters", "--model", tiny_model)
    assert f"next: samehand gallery add masters paintings/ --model {tiny_model}" in made.out
    (tmp_path / "paintings").mkdir()
    refused = samehand("gallery", "add", "masters", tmp_path / "paintings", "--model", "lite")
    assert refused.code == 2
    assert "name that model (--model " in refused.err
    assert "or run samehand gallery re-embed masters" in refused.err

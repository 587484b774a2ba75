"""Claims, against the command."""

import pytest
from conftest import interrupted

import bea

CLAIMS = '''claim "to first order":
  field(gradient_descent, 1) == -g - h/2*H*g
claim "wrong":
  field(gradient_descent, 1) == -g - h/3*H*g
claim "false, and says so":
  field(gradient_descent, 1) == -g expect false
claim "no sense":
  field(gradient_descent, 1) == nothing
'''


def test_a_text_of_claims(command, tmp_path):
    claims = bea.check(CLAIMS)
    assert [claim.ok for claim in claims] == [True, False, True, False]
    assert not claims and not claims.ok and len(claims) == 4
    assert claims[1].differences[0]["claimed"] == "-1/3"
    assert [line[0] for line in str(claims).splitlines()[1:]] == ["✓", "✗", "✓", "✗"]
    assert "2 of 4 claims as claimed" in claims._repr_html_()
    (tmp_path / "claims").write_text(CLAIMS)
    done = command.run("check", "claims", "--format", "json")
    assert done.returncode == 2
    import json

    assert claims.to_dict() == json.loads(done.stdout)
    assert bea.check(tmp_path / "claims").to_dict()["not_as_claimed"] == 1


def test_what_ships_is_as_claimed(command):
    claims = bea.check()
    assert claims and len(claims) > 100
    assert claims.to_dict() == command.json("check", "--format", "json")


def test_errors_are_those_of_the_command(command):
    text = 'claim "a":\n  field(gradient_descent, 1) == = h'
    with pytest.raises(bea.Error) as caught:
        bea.check(text)
    assert str(caught.value) == command.error("check", text)
    for typo in ('claim "a": field(gradient_descent, 1) = -g', "claim no_quotes: field(gradient_descent, 1) = -g"):
        with pytest.raises(bea.Error) as caught:
            bea.check(typo)
        assert "there is no file" not in str(caught.value) and "╰──" in str(caught.value)
        assert str(caught.value) == command.error("check", typo)
    for nothing in ("", " \n"):
        with pytest.raises(bea.Error, match="there is no claim"):
            bea.check(nothing)
    with pytest.raises(bea.Error, match="there is no file nowhere.bea"):
        bea.check("nowhere.bea")


def test_errors_of_claims_have_words_of_python():
    (claim,) = bea.check('claim "a": field(xyzzy, 0) == -g')
    assert claim.verdict == "error" and "`bea.optimizers()` lists them" in claim.error


def test_ctrl_c_stops_a_check():
    assert interrupted(bea.check, 0.2) < 1
    assert bea.check('claim "a": field(gradient_descent, 0) == -g')

from importlib import resources

import restyle


def test_the_public_names_are_there_and_documented():
    for name in restyle.__all__:
        assert getattr(restyle, name).__doc__
        assert f"`{name}`" in restyle.__doc__
    assert set(restyle.__all__) <= set(dir(restyle))


def test_types_are_shipped():
    assert (resources.files("restyle") / "py.typed").is_file()

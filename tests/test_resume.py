"""A run that is stopped at any state, saved, loaded and gone on with ends as if it had never stopped, to the bit."""
import pytest

import small_runs
from kvae_nb import competition
from kvae_nb.runs.checkpoint import differences, read_state, save_state


@pytest.mark.parametrize("name", small_runs.KINDS)
def test_goes_on_from_every_state(name, tmp_path):
    "Weights, moments, partition, history and all that is in a state"
    x, s, states = small_runs.run(name)
    phases = {state.phase for state in states}
    assert {"pretrain", "compete", "select", "done"} <= phases and ("refine" in phases) == bool(s.refine_steps)
    for i, state in enumerate(states):
        save_state(tmp_path/str(i), state)
        loaded, _ = read_state(tmp_path/str(i), **small_runs.own_parts(name, x))
        assert differences(loaded, state) == []
        for again, undisturbed in zip(competition.fit(x, s, state=loaded), states[i:], strict=True):
            assert differences(again, undisturbed) == [], f"stopped at state {i}, {state.phase}"

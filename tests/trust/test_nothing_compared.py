"""Where every cell of a derivative lies on a corner of the loss, nothing was compared, and nothing is called right for that."""

from bpdebug.frontends.loader import load_scenario
from bpdebug.session.session import Session


def test_a_bias_of_units_at_their_corner_is_not_right_because_the_loss_has_a_corner(tmp_path):
    file = tmp_path / "corner.yaml"
    file.write_text(
        """program: |
  z = x @ W + b
  a = maximum(z, 0)
  loss = sum(a * y)
parameters: {values: {W: [[1.0, -1.0]], b: [0.0, 0.0]}}
data: {inputs: [[0.0], [0.0], [1.0]], targets: [[1.0, 2.0], [3.0, 1.0], [2.0, 1.0]]}
optimizer: {name: sgd, learning_rate: 0.1}
"""
    )
    session = Session(load_scenario(str(file)))
    session.execute("formula db = 7 * sum(dz, axis=0)")
    result = session.execute("check")
    stages = {stage["name"]: stage["status"] for stage in result.data["stages"]}
    assert stages["db"] == "wrong", result.text

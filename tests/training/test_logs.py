import pytest

from nimblepose.training.logs import CsvLog, TensorBoard, read_csv


def test_resuming_removes_what_the_lost_part_wrote(tmp_path):
    log = CsvLog(tmp_path / "log.csv", ("step", "loss"), resume_at=None)
    for step in range(6):
        log.add({"step": step, "loss": step / 2})
    log.close()
    with (tmp_path / "log.csv").open("a") as file:
        file.write("6,3.")  # cut off by a crash
    again = CsvLog(tmp_path / "log.csv", ("step", "loss"), resume_at=4)
    again.add({"step": 4, "loss": 9})
    again.close()
    assert [(row["step"], row["loss"]) for row in read_csv(tmp_path / "log.csv")] == [
        ("0", "0.0"), ("1", "0.5"), ("2", "1.0"), ("3", "1.5"), ("4", "9")
    ]  # fmt: skip


def test_beginning_anew_empties_the_log(tmp_path):
    for _ in range(2):
        log = CsvLog(tmp_path / "log.csv", ("step",), resume_at=None)
        log.add({"step": 0})
        log.close()
    assert len(read_csv(tmp_path / "log.csv")) == 1


def test_tensorboard_gets_curves_and_pictures(tmp_path):
    pytest.importorskip("tensorboard")
    import numpy as np
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = TensorBoard(tmp_path, purge_step=None)
    board.add_scalars({"train/loss": 0.5}, 3)
    board.add_picture("fields", np.zeros((8, 8, 3), np.uint8), 3)
    board.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(3, 0.5)]
    assert events.Tags()["images"] == ["fields"]

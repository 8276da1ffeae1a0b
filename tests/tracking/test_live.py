"""What a run says of the machine while a model is evaluated."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow.tracking import MlflowClient

from stages.tracking import live
from stages.tracking.live import live_run

pynvml = pytest.importorskip("pynvml")


def system_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Begin a run, wait for its first samples, end it."""
    monkeypatch.setattr(live, "SAMPLING_SECONDS", 0.1)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    with live_run("digest", "org/model", {}, {}, tmp_path) as run:
        found: dict[str, float] = {}
        for _ in range(600):
            found = client.get_run(run.run_id).data.metrics
            if found:
                break
            time.sleep(0.1)
    return {name: value for name, value in found.items() if name.startswith("system/")}


def test_use_and_memory_of_each_gpu_are_recorded(tmp_path, monkeypatch):
    """A driver with two GPUs is planted; MLflow asks it through nvidia-ml-py, which the extra `eval` brings."""
    planted = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda place: place,
        "nvmlDeviceGetMemoryInfo": lambda place: SimpleNamespace(used=2e9 * (place + 1), total=8e9),
        "nvmlDeviceGetUtilizationRates": lambda place: SimpleNamespace(gpu=40 + place),
        "nvmlDeviceGetPowerUsage": lambda _: 100_000,
        "nvmlDeviceGetEnforcedPowerLimit": lambda _: 400_000,
    }
    for name, function in planted.items():
        monkeypatch.setattr(pynvml, name, function)
    found = system_metrics(tmp_path, monkeypatch)
    assert found["system/gpu_1_utilization_percentage"] == 41
    assert found["system/gpu_1_memory_usage_megabytes"] == 4000
    assert found["system/gpu_0_memory_usage_percentage"] == 25


def test_without_a_gpu_nothing_is_recorded_of_one(tmp_path, monkeypatch):
    def absent() -> None:
        raise pynvml.NVMLError_LibraryNotFound

    monkeypatch.setattr(pynvml, "nvmlInit", absent)
    found = system_metrics(tmp_path, monkeypatch)
    assert any("cpu" in name for name in found)
    assert not any("gpu" in name for name in found)

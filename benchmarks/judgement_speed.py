"""What judging costs: CPU per mail in batches of 64, start to ready, and resident memory.

Run ``python benchmarks/judgement_speed.py``; the mails are those of the corpus, the model the promoted one.
"""

import asyncio
import resource
import time
from pathlib import Path

from services.classifier.judge_pool import JudgePool
from services.classifier.model import load_model
from services.classifier.settings import ClassifierSettings
from services.classifier.sources import read_sources

MODELS = Path("models")
BATCH = 64
TARGETS = {"judge_ms_cpu": 2.0, "start_s": 3.0, "resident_mib": 300.0}


def measure_judging() -> dict[str, float]:
    """Return milliseconds of CPU per mail, cold (no word seen before) and warm, and for one mail at a time."""
    texts = [source.text for source in read_sources(sorted((MODELS / "corpus").glob("*.jsonl")))]
    model = load_model(MODELS)
    found = {}
    for name in ("judge_cold_ms_cpu", "judge_ms_cpu"):
        began = time.process_time()
        for start in range(0, len(texts), BATCH):
            model.judge(texts[start : start + BATCH])
        found[name] = (time.process_time() - began) / len(texts) * 1e3
    began = time.process_time()
    for text in texts[:1000]:
        model.judge([text])
    found["judge_one_by_one_ms_cpu"] = time.process_time() - began
    found["resident_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


async def measure_start() -> dict[str, float]:
    """Return seconds from nothing to a worker that is ready to judge."""
    pool = JudgePool(ClassifierSettings(models_dir=MODELS))
    began = time.perf_counter()
    await pool.start()
    seconds = time.perf_counter() - began
    await pool.close()
    return {"start_s": seconds}


def main() -> None:
    """Measure and print, one figure a line, with its target where it has one."""
    found = {**asyncio.run(measure_start()), **measure_judging()}
    for name, value in found.items():
        target = f"   (target {TARGETS[name]:g})" if name in TARGETS else ""
        print(f"{name:26s} {value:8.2f}{target}")
    warm_ms = found["judge_ms_cpu"]
    for name in ("judge_cold_ms_cpu", "judge_one_by_one_ms_cpu"):
        print(f"{name:26s} {found[name] / warm_ms:8.2f} times judge_ms_cpu")


if __name__ == "__main__":
    main()

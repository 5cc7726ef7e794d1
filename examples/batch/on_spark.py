"""A planned batch on a Spark cluster: spark-submit --conf spark.task.cpus=1 on_spark.py BATCH.

Python with nimblepose is on every executor, and BATCH is a folder or address that all of them reach. A task is a unit;
what fails is in the parts; afterwards `nimblepose batch status` and `finish`, as after any other engine.
"""

import argparse
from collections import Counter

from pyspark.sql import SparkSession

from nimblepose.batch.work import iterate_tasks, work


def main() -> None:
    """Do what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("batch")
    chosen = parser.parse_args()
    context = SparkSession.builder.appName("nimblepose").getOrCreate().sparkContext
    tasks = list(iterate_tasks(chosen.batch))
    if tasks:
        states = context.parallelize(tasks, len(tasks)).map(lambda task: work(task)["state"]).collect()
        print(dict(Counter(states)))


if __name__ == "__main__":
    main()

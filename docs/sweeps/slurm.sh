#!/usr/bin/env bash
#SBATCH --job-name=squall-sweep
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=01:00:00
#
# A sweep as a Slurm array; each task runs one part of the seeds:
#   sbatch slurm.sh my.toml 0..1000000
# When all have ended, add the parts up:
#   squall merge sweep/part-*.json
# A task that was lost is run again alone (its number stays, and so does SHARDS):
#   sbatch --array=3 slurm.sh my.toml 0..1000000
set -euo pipefail

# As many as the array above has. Not SLURM_ARRAY_TASK_COUNT: that is 1 when one task is run again.
SHARDS=8

scenario=${1:?the scenario file}
seeds=${2:?the seeds, such as 0..1000000}
shard=$SLURM_ARRAY_TASK_ID
mkdir -p sweep
part=sweep/part-$shard.json

status=0
squall explore "$scenario" --seeds "$seeds" --shard "$shard/$SHARDS" --keep-going \
  --jobs "${SLURM_CPUS_PER_TASK:-1}" --format json > "$part.new" || status=$?
# Up to 2 it is a verdict on this part, and only the whole has one that counts.
if [ "$status" -gt 2 ]; then
  exit "$status"
fi
mv "$part.new" "$part"

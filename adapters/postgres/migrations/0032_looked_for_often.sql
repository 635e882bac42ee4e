-- What is looked for every few seconds, and is nearly nothing of a million cycles.
CREATE INDEX cycle_head_stale ON cycle_head (cycle) WHERE tallies_stale OR late_stale;
CREATE INDEX cycle_head_unissued ON cycle_head (organization)
    WHERE status IN ('accruing', 'closing', 'closed', 'finalizing');

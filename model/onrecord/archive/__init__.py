"""Score archives: readers, ledger, writers and engines of `onrecord batch`."""

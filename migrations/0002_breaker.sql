-- The breaker, and the record of the steps that are about the whole fleet; both are folds of the entries.
ALTER TABLE fleet ADD COLUMN breaker TEXT CHECK (breaker IS NULL OR json_valid(breaker));
ALTER TABLE fleet ADD COLUMN record TEXT CHECK (record IS NULL OR json_valid(record));

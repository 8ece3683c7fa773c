//! What objects are selected by beside what is in their own tables, and lists that were frozen for their next pages.

use super::migration;

migration! {
    /// Partitions one by one, and frozen lists.
    M0015Selection, "m0015_selection", level 15, r#"
-- The partitions of a frame's last reading one by one: `frame_reading` has them as they are shown, this has them as they are asked for.
-- The level is `AIX 7.3 7300-03-01-2520` as a number, 730003012520: numbers compare as levels do.
CREATE TABLE frame_partition (
    cec_id bigint NOT NULL REFERENCES nim_cec ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL,
    state text NOT NULL,
    rmc_state text NOT NULL,
    os_version text NOT NULL,
    level bigint GENERATED ALWAYS AS (replace(
        substring(os_version FROM '^AIX +[^ ]+ +([0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{4})( |$)'), '-', '')::bigint) STORED,
    PRIMARY KEY (cec_id, name)
);
CREATE INDEX frame_partition_level ON frame_partition (level);

INSERT INTO frame_partition (cec_id, name, state, rmc_state, os_version)
SELECT DISTINCT ON (r.cec_id, name) r.cec_id, left(x->>'name', 255) AS name, x->>'state', x->>'rmc_state', x->>'os_version'
FROM frame_reading r, jsonb_array_elements(r.partitions) x
ORDER BY r.cec_id, name;

-- The name of an LPAR's partition, beside its frame: the two find the partition. A binary that does not know the column leaves it
-- empty, and the LPAR without a level until it is changed.
ALTER TABLE nim_standalone ADD COLUMN partition text COLLATE "C";
UPDATE nim_standalone s SET partition = coalesce(s.attributes->>'partition_name', o.name)
FROM nim_object o WHERE o.id = s.object_id;
CREATE INDEX nim_standalone_partition ON nim_standalone (cec_id, partition);
DROP INDEX nim_standalone_cec;

-- The ids of a list in another order than that of creation, in parts of a thousand.
CREATE TABLE frozen_list (
    id uuid NOT NULL,
    part integer NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    ids bigint[] NOT NULL,
    PRIMARY KEY (id, part)
);
CREATE INDEX frozen_list_made_at ON frozen_list (made_at);
"#
}

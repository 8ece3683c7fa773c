//! What is in each `lpp_source`, as it was found when it was indexed. It only adds.

use super::migration;

migration! {
    /// The index of packages.
    M0010LppIndex, "m0010_lpp_index", level 10, r#"
CREATE TABLE lpp_index (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    -- Version of the object that was indexed.
    revision bigint NOT NULL,
    indexed_at timestamptz NOT NULL DEFAULT now(),
    -- Why there is no index.
    not_indexed text,
    level text,
    level_by text
);
CREATE TABLE lpp_file (
    object_id bigint NOT NULL REFERENCES lpp_index ON DELETE CASCADE,
    path text COLLATE "C" NOT NULL,
    bytes bigint NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (object_id, path)
);
CREATE TABLE lpp_fileset (
    object_id bigint NOT NULL REFERENCES lpp_index ON DELETE CASCADE,
    position integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    level text NOT NULL,
    package text NOT NULL,
    kind text NOT NULL,
    description text NOT NULL,
    requisites jsonb NOT NULL,
    path text COLLATE "C" NOT NULL,
    PRIMARY KEY (object_id, position)
);
CREATE TABLE lpp_ifix (
    object_id bigint NOT NULL REFERENCES lpp_index ON DELETE CASCADE,
    position integer NOT NULL,
    label text NOT NULL,
    description text NOT NULL,
    live_update boolean,
    reboot boolean,
    requisites jsonb NOT NULL,
    path text COLLATE "C" NOT NULL,
    PRIMARY KEY (object_id, position)
);
CREATE TABLE lpp_fault (
    object_id bigint NOT NULL REFERENCES lpp_index ON DELETE CASCADE,
    position integer NOT NULL,
    path text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (object_id, position)
);
"#
}

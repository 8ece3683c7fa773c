//! NIM objects: one row each in `nim_object`, one table per type, references as foreign keys.
//!
//! Names are compared byte by byte (`COLLATE "C"`), as NIM does; it also lets a pattern with a fixed beginning use the index.

use super::migration;

migration! {
    /// The inventory.
    M0001Inventory, "m0001_inventory", level 1, r#"
CREATE TABLE schema_level (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    level integer NOT NULL,
    min_binary integer NOT NULL
);
INSERT INTO schema_level (level, min_binary) VALUES (0, 0);

CREATE TABLE commit_mark (
    token uuid PRIMARY KEY,
    asked boolean NOT NULL DEFAULT false,
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX commit_mark_made_at ON commit_mark (made_at);

CREATE TABLE nim_object (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    class text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    labels jsonb NOT NULL,
    comments text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX nim_object_type ON nim_object (type, id);
CREATE INDEX nim_object_class ON nim_object (class, id);
CREATE INDEX nim_object_labels ON nim_object USING gin (labels jsonb_path_ops);

CREATE TABLE nim_ent (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    net_addr text COLLATE "C" NOT NULL,
    snm text COLLATE "C" NOT NULL
);
CREATE TABLE nim_ent_route (
    ent_id bigint NOT NULL REFERENCES nim_ent ON DELETE CASCADE,
    position integer NOT NULL,
    destination_id bigint REFERENCES nim_ent,
    here text COLLATE "C" NOT NULL,
    there text COLLATE "C",
    PRIMARY KEY (ent_id, position)
);
CREATE INDEX nim_ent_route_destination ON nim_ent_route (destination_id);

CREATE TABLE nim_hmc (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    hostname text COLLATE "C" NOT NULL,
    network_id bigint REFERENCES nim_ent,
    update_limit bigint,
    attributes jsonb NOT NULL
);
CREATE INDEX nim_hmc_network ON nim_hmc (network_id);

CREATE TABLE nim_cec (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    hw_type text COLLATE "C" NOT NULL,
    hw_model text COLLATE "C" NOT NULL,
    hw_serial text COLLATE "C" NOT NULL,
    update_limit bigint,
    attributes jsonb NOT NULL
);
CREATE INDEX nim_cec_serial ON nim_cec (hw_serial);
CREATE TABLE nim_cec_hmc (
    cec_id bigint NOT NULL REFERENCES nim_cec ON DELETE CASCADE,
    hmc_id bigint NOT NULL REFERENCES nim_hmc,
    preference integer NOT NULL,
    last_state text,
    last_state_at timestamptz,
    PRIMARY KEY (cec_id, hmc_id)
);
CREATE INDEX nim_cec_hmc_hmc ON nim_cec_hmc (hmc_id);

CREATE TABLE nim_vios (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    hostname text COLLATE "C" NOT NULL,
    network_id bigint REFERENCES nim_ent,
    cec_id bigint NOT NULL REFERENCES nim_cec,
    identity bigint NOT NULL,
    attributes jsonb NOT NULL
);
CREATE INDEX nim_vios_network ON nim_vios (network_id);
CREATE INDEX nim_vios_cec ON nim_vios (cec_id);

CREATE TABLE nim_standalone (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    hostname text COLLATE "C" NOT NULL,
    network_id bigint REFERENCES nim_ent,
    cec_id bigint REFERENCES nim_cec,
    identity bigint,
    installation uuid,
    attributes jsonb NOT NULL
);
CREATE INDEX nim_standalone_network ON nim_standalone (network_id);
CREATE INDEX nim_standalone_cec ON nim_standalone (cec_id);
CREATE INDEX nim_standalone_hostname ON nim_standalone (hostname);
CREATE INDEX nim_standalone_installation ON nim_standalone (installation);

CREATE TABLE nim_live_update_data (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    attributes jsonb NOT NULL
);
CREATE TABLE nim_lpp_source (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    location text NOT NULL,
    attributes jsonb NOT NULL
);

CREATE TABLE nim_mac_group (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE
);
CREATE TABLE nim_mac_group_member (
    group_id bigint NOT NULL REFERENCES nim_mac_group ON DELETE CASCADE,
    member_id bigint NOT NULL REFERENCES nim_object,
    position integer NOT NULL,
    PRIMARY KEY (group_id, member_id)
);
CREATE INDEX nim_mac_group_member_member ON nim_mac_group_member (member_id);

-- One object as its attributes read: the columns and links of its type, put back together. Names of others are looked up
-- one by one, by their ids: a join would let the planner walk through all objects where it misjudges how many there are.
CREATE VIEW nim_object_spec AS
SELECT o.id, o.name, o.class, o.type, o.labels, o.comments, o.version, o.created_at, o.changed_at,
  jsonb_build_object('type', o.type) || CASE o.type
    WHEN 'ent' THEN (
      SELECT jsonb_build_object('net_addr', t.net_addr, 'snm', t.snm, 'routing', coalesce((
          SELECT jsonb_agg(CASE WHEN r.there IS NULL THEN 'default ' || r.here
                                ELSE (SELECT d.name FROM nim_object d WHERE d.id = r.destination_id)
                                     || ' ' || r.here || ' ' || r.there END ORDER BY r.position)
          FROM nim_ent_route r WHERE r.ent_id = t.object_id), '[]'::jsonb))
      FROM nim_ent t WHERE t.object_id = o.id)
    WHEN 'hmc' THEN (
      SELECT t.attributes || jsonb_strip_nulls(jsonb_build_object('limit', t.update_limit))
      FROM nim_hmc t WHERE t.object_id = o.id)
    WHEN 'cec' THEN (
      SELECT t.attributes || jsonb_strip_nulls(jsonb_build_object(
          'hw_type', t.hw_type, 'hw_model', t.hw_model, 'hw_serial', t.hw_serial, 'limit', t.update_limit,
          'mgmt_source', coalesce((
            SELECT jsonb_agg((SELECT h.name FROM nim_object h WHERE h.id = l.hmc_id) ORDER BY l.preference)
            FROM nim_cec_hmc l WHERE l.cec_id = t.object_id), '[]'::jsonb)))
      FROM nim_cec t WHERE t.object_id = o.id)
    WHEN 'vios' THEN (
      SELECT t.attributes || jsonb_build_object('identity', t.identity, 'mgmt_source',
          (SELECT f.name FROM nim_object f WHERE f.id = t.cec_id))
      FROM nim_vios t WHERE t.object_id = o.id)
    WHEN 'standalone' THEN (
      SELECT t.attributes || jsonb_strip_nulls(jsonb_build_object(
          'identity', t.identity, 'installation', t.installation, 'mgmt_source',
          (SELECT f.name FROM nim_object f WHERE f.id = t.cec_id)))
      FROM nim_standalone t WHERE t.object_id = o.id)
    WHEN 'live_update_data' THEN (
      SELECT t.attributes FROM nim_live_update_data t WHERE t.object_id = o.id)
    WHEN 'lpp_source' THEN (
      SELECT t.attributes || jsonb_build_object('location', t.location)
      FROM nim_lpp_source t WHERE t.object_id = o.id)
    WHEN 'mac_group' THEN (
      SELECT jsonb_build_object('member', coalesce((
          SELECT jsonb_agg((SELECT m.name FROM nim_object m WHERE m.id = l.member_id) ORDER BY l.position)
          FROM nim_mac_group_member l WHERE l.group_id = o.id), '[]'::jsonb)))
  END AS spec
FROM nim_object o;

-- Who mentions whom, by which attribute.
CREATE VIEW nim_reference AS
  SELECT ent_id AS from_id, destination_id AS to_id, 'routing' AS attribute FROM nim_ent_route
    WHERE destination_id IS NOT NULL
  UNION ALL SELECT object_id, network_id, 'if1' FROM nim_hmc WHERE network_id IS NOT NULL
  UNION ALL SELECT object_id, network_id, 'if1' FROM nim_vios WHERE network_id IS NOT NULL
  UNION ALL SELECT object_id, network_id, 'if1' FROM nim_standalone WHERE network_id IS NOT NULL
  UNION ALL SELECT cec_id, hmc_id, 'mgmt_source' FROM nim_cec_hmc
  UNION ALL SELECT object_id, cec_id, 'mgmt_source' FROM nim_vios
  UNION ALL SELECT object_id, cec_id, 'mgmt_source' FROM nim_standalone WHERE cec_id IS NOT NULL
  UNION ALL SELECT group_id, member_id, 'member' FROM nim_mac_group_member;

CREATE TABLE object_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    what text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    before jsonb,
    after jsonb,
    by_uid bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX object_history_name ON object_history (name, id);
"#
}

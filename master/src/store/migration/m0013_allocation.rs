//! Resources that machines hold, members that a group's operations leave alone, and what a check of an object found.
//!
//! A machine's attributes have the names of what it holds: they are read with every listing of machines, and a look-up for each would
//! be felt. The rows here are what counts and what keeps a resource from going.

use super::migration;

migration! {
    /// Allocations, exclusions and checks.
    M0013Allocation, "m0013_allocation", level 13, r#"
CREATE TABLE nim_allocation (
    resource_id bigint NOT NULL REFERENCES nim_object,
    machine_id bigint NOT NULL REFERENCES nim_object ON DELETE CASCADE,
    PRIMARY KEY (resource_id, machine_id)
);
CREATE INDEX nim_allocation_machine ON nim_allocation (machine_id);

ALTER TABLE nim_mac_group_member ADD COLUMN excluded boolean NOT NULL DEFAULT false;

CREATE TABLE nim_check (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    checked_at timestamptz NOT NULL DEFAULT now(),
    problem text
);

CREATE OR REPLACE VIEW nim_object_spec AS
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
    WHEN 'master' THEN (
      SELECT t.attributes FROM nim_master t WHERE t.object_id = o.id)
    WHEN 'res_group' THEN (
      SELECT t.attributes || coalesce((
          SELECT jsonb_object_agg(m.attribute, m.names) FROM (
            SELECT l.attribute,
                   CASE WHEN min(l.position) = 0 THEN jsonb_agg(r.name)->0
                        ELSE jsonb_agg(r.name ORDER BY l.position) END AS names
            FROM nim_res_group_member l JOIN nim_object r ON r.id = l.member_id
            WHERE l.group_id = o.id GROUP BY l.attribute) m), '{}'::jsonb)
      FROM nim_res_group t WHERE t.object_id = o.id)
    WHEN 'mac_group' THEN (
      SELECT jsonb_build_object('member', coalesce((
          SELECT jsonb_agg((SELECT m.name FROM nim_object m WHERE m.id = l.member_id) ORDER BY l.position)
          FROM nim_mac_group_member l WHERE l.group_id = o.id), '[]'::jsonb),
          'excluded', coalesce((
          SELECT jsonb_agg((SELECT m.name FROM nim_object m WHERE m.id = l.member_id) ORDER BY l.position)
          FROM nim_mac_group_member l WHERE l.group_id = o.id AND l.excluded), '[]'::jsonb)))
    -- All other types are resources that are catalogue entries.
    ELSE (
      SELECT t.attributes || jsonb_build_object('location', t.location)
      FROM nim_resource t WHERE t.object_id = o.id)
  END AS spec
FROM nim_object o;
"#
}

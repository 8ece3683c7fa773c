//! The tables of the types: which attributes are columns, which are links, and the rest in `jsonb`.
//!
//! Each type is one statement for any number of objects; the rows come as one JSON array. What a column or a link holds is
//! taken out of the rest, so that nothing is kept twice but the text of an interface and what a machine holds.

use std::collections::BTreeMap;

use nim_shared::id::ObjectName;
use nim_shared::object::{Object, ObjectType, Spec};
use sea_orm::sqlx::query;
use serde_json::{Value, json};

use crate::store::Error;
use crate::store::commit::Txn;

/// The types, each after those that it mentions.
pub(super) const ORDER: &[ObjectType] = &[
    ObjectType::Ent,
    ObjectType::Hmc,
    ObjectType::Cec,
    ObjectType::Master,
    ObjectType::LiveUpdateData,
    ObjectType::LppSource,
    ObjectType::Script,
    ObjectType::FbScript,
    ObjectType::InstallpBundle,
    ObjectType::FixBundle,
    ObjectType::ExcludeFiles,
    ObjectType::ResolvConf,
    ObjectType::ImageData,
    ObjectType::Mksysb,
    ObjectType::Spot,
    ObjectType::Vios,
    ObjectType::Standalone,
    ObjectType::MacGroup,
    ObjectType::ResGroup,
];

/// Writes the attributes of `objects`, whose rows in `nim_object` have the ids `ids`.
pub(super) async fn write(
    txn: &mut Txn,
    objects: &[&Object],
    ids: &BTreeMap<ObjectName, i64>,
) -> Result<(), Error> {
    for object_type in ORDER {
        let rows: Vec<Value> = objects
            .iter()
            .filter(|object| object.spec.object_type() == *object_type)
            .filter_map(|object| ids.get(&object.name).map(|id| row(object, *id)))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let rows = Value::Array(rows);
        for sql in statements(*object_type) {
            query(*sql).bind(&rows).execute(txn.connection()).await.map_err(txn.failed())?;
        }
    }
    Ok(())
}

/// What the statements read of one object.
fn row(object: &Object, id: i64) -> Value {
    let interface = object.spec.interface();
    let routes = match &object.spec {
        Spec::Ent(ent) => ent.routing.iter().map(route).collect(),
        _ => Vec::new(),
    };
    // A member of a group of resources: `position` counts in lists, 0 stands for what there is one of.
    let members: Vec<_> = match &object.spec {
        Spec::ResGroup(group) => members(&object.spec, &group.kept),
        _ => Vec::new(),
    };
    json!({
        "id": id,
        "name": object.name,
        "members": members,
        "spec": object.spec,
        "hostname": interface.map(|i| &i.hostname),
        "network": interface.and_then(|i| i.network.as_ref()),
        "routes": routes,
    })
}

/// The members of a group of resources.
fn members(spec: &Spec, kept: &BTreeMap<String, String>) -> Vec<Value> {
    let rows = spec.attributes().into_iter().filter(|(attribute, _)| !kept.contains_key(attribute));
    rows.map(|(attribute, name)| {
        let stem = attribute.trim_end_matches(|c: char| c.is_ascii_digit());
        let position: i64 = attribute[stem.len()..].parse().unwrap_or(0);
        json!({ "attribute": stem, "position": position, "name": name })
    })
    .collect()
}

/// A route in parts.
fn route(route: &nim_shared::object::Route) -> Value {
    use nim_shared::object::Route;
    match route {
        Route::Default(gateway) => json!({ "here": gateway }),
        Route::To { network, here, there } => {
            json!({ "network": network, "here": here, "there": there })
        }
    }
}

/// The statements that write objects of one type. `$1` is the array of rows.
const fn statements(object_type: ObjectType) -> &'static [&'static str] {
    match object_type {
        ObjectType::Ent => &[
            "INSERT INTO nim_ent (object_id, net_addr, snm)
             SELECT (x->>'id')::bigint, x->'spec'->>'net_addr', x->'spec'->>'snm'
             FROM jsonb_array_elements($1) x
             ON CONFLICT (object_id) DO UPDATE SET net_addr = excluded.net_addr, snm = excluded.snm",
            "DELETE FROM nim_ent_route WHERE ent_id IN
                (SELECT (x->>'id')::bigint FROM jsonb_array_elements($1) x)",
            "INSERT INTO nim_ent_route (ent_id, position, destination_id, here, there)
             SELECT (x->>'id')::bigint, r.n, d.id, r.route->>'here', r.route->>'there'
             FROM jsonb_array_elements($1) x,
                  jsonb_array_elements(x->'routes') WITH ORDINALITY AS r (route, n)
                  LEFT JOIN nim_object d ON d.name = r.route->>'network'",
        ],
        ObjectType::Hmc => &[
            "INSERT INTO nim_hmc (object_id, hostname, network_id, update_limit, attributes)
             SELECT (x->>'id')::bigint, x->>'hostname', n.id, (x->'spec'->>'limit')::bigint,
                    (x->'spec') - '{type,limit}'::text[]
             FROM jsonb_array_elements($1) x LEFT JOIN nim_object n ON n.name = x->>'network'
             ON CONFLICT (object_id) DO UPDATE SET hostname = excluded.hostname,
                network_id = excluded.network_id, update_limit = excluded.update_limit,
                attributes = excluded.attributes",
        ],
        ObjectType::Cec => &[
            "INSERT INTO nim_cec (object_id, hw_type, hw_model, hw_serial, update_limit, attributes)
             SELECT (x->>'id')::bigint, x->'spec'->>'hw_type', x->'spec'->>'hw_model',
                    x->'spec'->>'hw_serial', (x->'spec'->>'limit')::bigint,
                    (x->'spec') - '{type,hw_type,hw_model,hw_serial,limit,mgmt_source}'::text[]
             FROM jsonb_array_elements($1) x
             ON CONFLICT (object_id) DO UPDATE SET hw_type = excluded.hw_type,
                hw_model = excluded.hw_model, hw_serial = excluded.hw_serial,
                update_limit = excluded.update_limit, attributes = excluded.attributes",
            "DELETE FROM nim_cec_hmc l USING jsonb_array_elements($1) x, nim_object h
             WHERE l.cec_id = (x->>'id')::bigint AND h.id = l.hmc_id
               AND NOT coalesce(x->'spec'->'mgmt_source', '[]') ? h.name",
            "INSERT INTO nim_cec_hmc (cec_id, hmc_id, preference)
             SELECT (x->>'id')::bigint, h.id, m.n
             FROM jsonb_array_elements($1) x,
                  jsonb_array_elements_text(coalesce(x->'spec'->'mgmt_source', '[]'))
                    WITH ORDINALITY AS m (name, n) JOIN nim_object h ON h.name = m.name
             ON CONFLICT (cec_id, hmc_id) DO UPDATE SET preference = excluded.preference",
        ],
        ObjectType::Vios => &[
            "INSERT INTO nim_vios (object_id, hostname, network_id, cec_id, identity, attributes)
             SELECT (x->>'id')::bigint, x->>'hostname', n.id, f.id, (x->'spec'->>'identity')::bigint,
                    (x->'spec') - '{type,identity,mgmt_source}'::text[]
             FROM jsonb_array_elements($1) x JOIN nim_object f ON f.name = x->'spec'->>'mgmt_source'
                  LEFT JOIN nim_object n ON n.name = x->>'network'
             ON CONFLICT (object_id) DO UPDATE SET hostname = excluded.hostname,
                network_id = excluded.network_id, cec_id = excluded.cec_id,
                identity = excluded.identity, attributes = excluded.attributes",
            NOT_HELD,
            HELD,
        ],
        ObjectType::Standalone => &[
            "INSERT INTO nim_standalone
                (object_id, hostname, network_id, cec_id, partition, identity, installation, attributes)
             SELECT (x->>'id')::bigint, x->>'hostname', n.id, f.id,
                    coalesce(x->'spec'->>'partition_name', x->>'name'),
                    (x->'spec'->>'identity')::bigint, (x->'spec'->>'installation')::uuid,
                    (x->'spec') - '{type,identity,installation,mgmt_source}'::text[]
             FROM jsonb_array_elements($1) x
                  LEFT JOIN nim_object f ON f.name = x->'spec'->>'mgmt_source'
                  LEFT JOIN nim_object n ON n.name = x->>'network'
             ON CONFLICT (object_id) DO UPDATE SET hostname = excluded.hostname,
                network_id = excluded.network_id, cec_id = excluded.cec_id,
                partition = excluded.partition, identity = excluded.identity,
                installation = excluded.installation, attributes = excluded.attributes",
            NOT_HELD,
            HELD,
        ],
        ObjectType::Master => &[
            "INSERT INTO nim_master (object_id, hostname, network_id, attributes)
             SELECT (x->>'id')::bigint, x->>'hostname', n.id, (x->'spec') - 'type'
             FROM jsonb_array_elements($1) x LEFT JOIN nim_object n ON n.name = x->>'network'
             ON CONFLICT (object_id) DO UPDATE SET hostname = excluded.hostname,
                network_id = excluded.network_id, attributes = excluded.attributes",
        ],
        ObjectType::LiveUpdateData => &[
            "INSERT INTO nim_live_update_data (object_id, attributes)
             SELECT (x->>'id')::bigint, (x->'spec') - 'type' FROM jsonb_array_elements($1) x
             ON CONFLICT (object_id) DO UPDATE SET attributes = excluded.attributes",
        ],
        ObjectType::LppSource => &[
            "INSERT INTO nim_lpp_source (object_id, location, attributes)
             SELECT (x->>'id')::bigint, x->'spec'->>'location',
                    (x->'spec') - '{type,location}'::text[]
             FROM jsonb_array_elements($1) x
             ON CONFLICT (object_id) DO UPDATE SET location = excluded.location,
                attributes = excluded.attributes",
        ],
        ObjectType::Script
        | ObjectType::FbScript
        | ObjectType::InstallpBundle
        | ObjectType::FixBundle
        | ObjectType::ExcludeFiles
        | ObjectType::ResolvConf
        | ObjectType::ImageData
        | ObjectType::Mksysb
        | ObjectType::Spot => &[
            "INSERT INTO nim_resource (object_id, location, attributes)
             SELECT (x->>'id')::bigint, x->'spec'->>'location',
                    (x->'spec') - '{type,location}'::text[]
             FROM jsonb_array_elements($1) x
             ON CONFLICT (object_id) DO UPDATE SET location = excluded.location,
                attributes = excluded.attributes",
        ],
        ObjectType::ResGroup => &[
            "INSERT INTO nim_res_group (object_id, attributes)
             SELECT (x->>'id')::bigint,
                    jsonb_strip_nulls(jsonb_build_object('kept', x->'spec'->'kept'))
             FROM jsonb_array_elements($1) x
             ON CONFLICT (object_id) DO UPDATE SET attributes = excluded.attributes",
            "DELETE FROM nim_res_group_member WHERE group_id IN
                (SELECT (x->>'id')::bigint FROM jsonb_array_elements($1) x)",
            "INSERT INTO nim_res_group_member (group_id, attribute, position, member_id)
             SELECT (x->>'id')::bigint, m->>'attribute', (m->>'position')::integer, o.id
             FROM jsonb_array_elements($1) x, jsonb_array_elements(x->'members') m
                  JOIN nim_object o ON o.name = m->>'name'",
        ],
        ObjectType::MacGroup => &[
            "INSERT INTO nim_mac_group (object_id)
             SELECT (x->>'id')::bigint FROM jsonb_array_elements($1) x ON CONFLICT DO NOTHING",
            "DELETE FROM nim_mac_group_member WHERE group_id IN
                (SELECT (x->>'id')::bigint FROM jsonb_array_elements($1) x)",
            "INSERT INTO nim_mac_group_member (group_id, member_id, position, excluded)
             SELECT (x->>'id')::bigint, o.id, m.n, coalesce(x->'spec'->'excluded' ? o.name, false)
             FROM jsonb_array_elements($1) x,
                  jsonb_array_elements_text(coalesce(x->'spec'->'member', '[]'))
                    WITH ORDINALITY AS m (name, n) JOIN nim_object o ON o.name = m.name",
        ],
    }
}

/// Takes away what machines no longer hold. The names are also among the other attributes: see the migration.
const NOT_HELD: &str = "DELETE FROM nim_allocation a USING jsonb_array_elements($1) x, nim_object r
     WHERE a.machine_id = (x->>'id')::bigint AND r.id = a.resource_id
       AND NOT coalesce(x->'spec'->'allocated', '[]') ? r.name";

/// Notes what machines hold.
const HELD: &str = "INSERT INTO nim_allocation (resource_id, machine_id)
     SELECT r.id, (x->>'id')::bigint
     FROM jsonb_array_elements($1) x,
          jsonb_array_elements_text(coalesce(x->'spec'->'allocated', '[]')) AS h (name)
          JOIN nim_object r ON r.name = h.name
     ON CONFLICT DO NOTHING";

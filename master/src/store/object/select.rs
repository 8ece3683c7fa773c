//! A selection in the database's words.
//!
//! What is chosen, its order and its columns are one statement: whatever a fleet's size, no more than a page of it leaves the
//! database. Texts of people are bound, never written into a statement.

use nim_shared::select::{Compare, Direction, Field, Filter, Kind, Order, Requirement, Sort, Test};
use sea_orm::sqlx::{Encode, Postgres, QueryBuilder, Type};

use super::ObjectFilter;

/// A statement that is being written.
pub(super) type Sql = QueryBuilder<Postgres>;

/// The objects, each with what `fields` are made of. Each join finds one row at most, by a key; where nothing but the object itself is
/// asked for there is none, so that a page is read by an index whatever the planner thinks of the other tables.
pub(super) fn from<'a>(fields: impl IntoIterator<Item = &'a Field>) -> &'static str {
    let of_object = |field: &Field| match field {
        Field::Name
        | Field::Type
        | Field::Class
        | Field::Comments
        | Field::Version
        | Field::Created
        | Field::Changed
        | Field::Operation
        | Field::Labels
        | Field::Label(_) => true,
        Field::Hostname
        | Field::Frame
        | Field::Hmc
        | Field::Identity
        | Field::Partition
        | Field::State
        | Field::Rmc
        | Field::Oslevel
        | Field::Ioslevel
        | Field::Seen
        | Field::Mtms
        | Field::Location
        | Field::Server => false,
    };
    if fields.into_iter().all(of_object) { "nim_object o" } else { JOINED }
}

/// The fields that choose and sort.
pub(super) fn used(filter: &ObjectFilter) -> Vec<&Field> {
    fn of<'a>(filter: &'a Filter, into: &mut Vec<&'a Field>) {
        match filter {
            Filter::All(parts) | Filter::Any(parts) => parts.iter().for_each(|part| of(part, into)),
            Filter::Not(part) => of(part, into),
            Filter::Is { field, .. } => into.push(field),
        }
    }
    let mut fields: Vec<_> = filter.sort.0.iter().map(|(field, _)| field).collect();
    filter.fields.iter().for_each(|filter| of(filter, &mut fields));
    fields
}

/// The objects with all that fields are made of.
const JOINED: &str = "nim_object o
    LEFT JOIN nim_standalone s ON s.object_id = o.id
    LEFT JOIN nim_vios v ON v.object_id = o.id
    LEFT JOIN nim_cec c ON c.object_id = o.id
    LEFT JOIN nim_hmc h ON h.object_id = o.id
    LEFT JOIN nim_master m ON m.object_id = o.id
    LEFT JOIN nim_live_update_data d ON d.object_id = o.id
    LEFT JOIN nim_lpp_source l ON l.object_id = o.id
    LEFT JOIN nim_resource r ON r.object_id = o.id
    LEFT JOIN vios_reading w ON w.vios_id = o.id
    LEFT JOIN nim_object f ON f.id = coalesce(s.cec_id, v.cec_id)
    LEFT JOIN frame_reading e ON e.cec_id = coalesce(s.cec_id, v.cec_id)
    LEFT JOIN frame_partition p
        ON p.cec_id = coalesce(s.cec_id, v.cec_id) AND p.name = coalesce(s.partition, o.name)";

/// Writes that an object is one of those that `filter` lets through.
pub(super) fn condition(sql: &mut Sql, filter: &ObjectFilter) {
    sql.push("true");
    one_of(sql, "o.type", filter.types.iter().map(|of| of.name()).collect());
    one_of(sql, "o.class", filter.classes.iter().map(|of| of.name()).collect());
    if !filter.names.is_empty() {
        let exact: Vec<_> = filter.names.iter().filter_map(|name| name.exact()).collect();
        sql.push(" AND (o.name = ANY(");
        sql.push_bind(exact).push(")");
        for regex in filter.names.iter().filter_map(|name| name.regex()) {
            sql.push(" OR o.name ~ ");
            sql.push_bind(regex.to_owned());
        }
        sql.push(")");
    }
    for requirement in &filter.labels {
        sql.push(" AND ");
        label(sql, requirement);
    }
    if let Some(fields) = &filter.fields {
        sql.push(" AND ");
        holds(sql, fields);
    }
}

/// Writes that a column has one of `values`, where there are some. A single one by itself: only then an index on the column gives its
/// rows in the order of creation.
fn one_of(sql: &mut Sql, column: &str, values: Vec<&'static str>) {
    match values[..] {
        [] => {}
        [value] => {
            sql.push(" AND ").push(column).push(" = ").push_bind(value);
        }
        _ => {
            sql.push(" AND ").push(column).push(" = ANY(").push_bind(values).push(")");
        }
    }
}

/// Writes what a label has to be.
fn label(sql: &mut Sql, requirement: &Requirement) {
    match requirement {
        Requirement::Exists(key) => {
            sql.push("o.labels ? ");
            sql.push_bind(key.clone());
        }
        Requirement::Missing(key) => {
            sql.push("NOT o.labels ? ");
            sql.push_bind(key.clone());
        }
        Requirement::In(key, values) => has(sql, key, values),
        Requirement::NotIn(key, values) => {
            sql.push("NOT ");
            has(sql, key, values);
        }
    }
}

/// Writes that a label has one of `values`, so that the index of labels finds them.
fn has(sql: &mut Sql, key: &str, values: &[String]) {
    sql.push("(false");
    for value in values {
        sql.push(" OR o.labels @> ");
        sql.push_bind(serde_json::json!({ key: value }));
    }
    sql.push(")");
}

/// Writes what fields have to be. What is not known makes a comparison unknown, which is as good as false but for what is turned round;
/// there it is said.
fn holds(sql: &mut Sql, filter: &Filter) {
    let joined = |sql: &mut Sql, parts: &[Filter], between: &str| {
        sql.push("(");
        for (at, part) in parts.iter().enumerate() {
            sql.push(if at == 0 { "" } else { between });
            holds(sql, part);
        }
        sql.push(")");
    };
    match filter {
        Filter::All(parts) => joined(sql, parts, " AND "),
        Filter::Any(parts) => joined(sql, parts, " OR "),
        Filter::Not(part) => {
            sql.push("(");
            holds(sql, part);
            sql.push(") IS NOT TRUE");
        }
        Filter::Is { field, test, .. } => is(sql, field, test),
    }
}

/// Writes a comparison.
fn is(sql: &mut Sql, field: &Field, test: &Test) {
    match test {
        Test::Known(known) => {
            sql.push("(");
            value(sql, field);
            // A text without characters says as little as none.
            let nothing = if field.kind() == Kind::Text { ") = ''" } else { ") IS NULL" };
            sql.push(nothing).push(if *known { " IS FALSE" } else { " IS NOT FALSE" });
        }
        Test::Text(same, pattern) => {
            sql.push("((");
            value(sql, field);
            match (pattern.regex(), pattern) {
                (Some(regex), _) => {
                    sql.push(") ~ ");
                    sql.push_bind(regex);
                }
                (None, pattern) => {
                    sql.push(") = ");
                    sql.push_bind(pattern.text().to_owned());
                }
            }
            sql.push(if *same { ")" } else { ") IS NOT TRUE" });
        }
        Test::Number(compare) => compared(sql, field, compare, |number| *number),
        Test::Level(compare) => compared(sql, field, compare, |level| level.number()),
        Test::ViosLevel(compare) => {
            compared(sql, field, compare, |level| level.map(i32::from).to_vec());
        }
        Test::Time(compare) => compared(sql, field, compare, |time| time.get()),
    }
}

/// Writes a comparison with all values from a first to a last one.
fn compared<T, B>(sql: &mut Sql, field: &Field, compare: &Compare<T>, bound: impl Fn(&T) -> B)
where
    B: for<'q> Encode<'q, Postgres> + Type<Postgres> + Send + 'static,
{
    let (first, last) = (bound(&compare.first), bound(&compare.last));
    sql.push("((");
    value(sql, field);
    match compare.order {
        Order::Same | Order::Other => {
            sql.push(") BETWEEN ");
            sql.push_bind(first).push(" AND ");
            sql.push_bind(last);
        }
        Order::Less => drop(sql.push(") < ").push_bind(first)),
        Order::AtMost => drop(sql.push(") <= ").push_bind(last)),
        Order::More => drop(sql.push(") > ").push_bind(last)),
        Order::AtLeast => drop(sql.push(") >= ").push_bind(first)),
    }
    sql.push(if compare.order == Order::Other { ") IS NOT TRUE" } else { ")" });
}

/// Writes the value of a field as it is compared.
fn value(sql: &mut Sql, field: &Field) {
    sql.push(match field {
        Field::Label(key) => {
            sql.push("o.labels->>");
            sql.push_bind(key.clone());
            return;
        }
        Field::Name => "o.name",
        Field::Type => "o.type",
        Field::Class => "o.class",
        Field::Comments => "o.comments",
        Field::Version => "o.version",
        Field::Created => "o.created_at",
        Field::Changed => "o.changed_at",
        Field::Hostname => "coalesce(s.hostname, v.hostname, h.hostname, m.hostname)",
        Field::Frame => "f.name",
        Field::Hmc => {
            "SELECT n.name FROM nim_cec_hmc a JOIN nim_object n ON n.id = a.hmc_id
             WHERE a.cec_id = coalesce(s.cec_id, v.cec_id, c.object_id) ORDER BY a.preference LIMIT 1"
        }
        Field::Identity => "coalesce(s.identity, v.identity)",
        Field::Partition => {
            "CASE WHEN coalesce(s.object_id, v.object_id) IS NOT NULL THEN coalesce(s.partition, o.name) END"
        }
        Field::State => "nullif(p.state, '')",
        Field::Rmc => "nullif(p.rmc_state, '')",
        Field::Oslevel => "p.level",
        Field::Ioslevel => {
            "CASE WHEN w.reading->>'level' ~ '^[0-9]{1,4}([.][0-9]{1,4}){3}$'
                  THEN string_to_array(w.reading->>'level', '.')::integer[] END"
        }
        Field::Seen => "CASE WHEN p.cec_id IS NOT NULL THEN e.read_at END",
        Field::Mtms => "c.hw_type || '-' || c.hw_model || '*' || c.hw_serial",
        Field::Location => "coalesce(l.location, r.location, d.attributes->>'location')",
        Field::Server => {
            "coalesce(l.attributes->>'server', r.attributes->>'server', d.attributes->>'server')"
        }
        Field::Operation => {
            "SELECT x.state FROM operation x WHERE x.lpar = o.name AND o.type = 'standalone'
             ORDER BY x.id DESC LIMIT 1"
        }
        Field::Labels => {
            "SELECT string_agg(x.key || '=' || x.value, ' ' ORDER BY x.key) FROM jsonb_each_text(o.labels) x"
        }
    });
}

/// Writes the order: what is not known last, what is equal as it was made.
pub(super) fn order(sql: &mut Sql, sort: &Sort) {
    for (field, direction) in &sort.0 {
        sql.push("(");
        value(sql, field);
        sql.push(if field.kind() == Kind::Text { ") COLLATE \"C\"" } else { ")" });
        sql.push(match direction {
            Direction::Up => " NULLS LAST, ",
            Direction::Down => " DESC NULLS LAST, ",
        });
    }
    sql.push("o.id");
}

/// Writes the columns as one JSON array: times as microseconds since 1970, levels of AIX as numbers.
pub(super) fn columns(sql: &mut Sql, fields: &[Field]) {
    sql.push("jsonb_build_array(");
    for (at, field) in fields.iter().enumerate() {
        sql.push(if at == 0 { "(" } else { ", (" });
        match field.kind() {
            Kind::Time => {
                sql.push("extract(epoch FROM ");
                value(sql, field);
                sql.push(") * 1000000)::bigint");
            }
            Kind::ViosLevel => {
                sql.push("array_to_string(");
                value(sql, field);
                sql.push(", '.'))");
            }
            Kind::Text | Kind::Number | Kind::Level | Kind::Labels => {
                value(sql, field);
                sql.push(")");
            }
        }
    }
    sql.push(")");
}

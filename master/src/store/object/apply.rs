//! Changing objects: one, or a whole fleet, in one transaction, with the differences.
//!
//! Changes of the inventory are made one after the other (an advisory lock): they are rare, and so two of them never wait
//! for each other's rows in a circle. All faults are found before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};

use nim_shared::id::{ObjectName, OperationId};
use nim_shared::object::{Object, ObjectType, Reference, Route, Spec};
use sea_orm::sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::change::{AttributeChange, Change, Deed, Difference, Fault, Problem};
use super::{Mode, Stored, stored};
use crate::store::commit::{Txn, Writing};
use crate::store::entity::{self, object::Model};
use crate::store::{Error, Store, Who, bigint};

/// Key of the advisory lock that changes of the inventory take.
const LOCK: i64 = 0x6e69_6d64_0000_0002;

impl Store {
    /// Makes all `changes`, or none, and says what they do, in their order. With [`Mode::DryRun`] it says so only.
    ///
    /// # Errors
    /// [`Error::Faults`] with every fault of every change.
    pub async fn apply(
        &self,
        changes: Vec<Change>,
        mode: Mode,
        who: Who,
    ) -> Result<Vec<Difference>, Error> {
        let mut txn = self.alone().await?;
        let names: Vec<_> = changes.iter().map(Change::name).collect();
        let present = present(&mut txn, &names).await?;
        make(txn, &changes, &present, mode, who).await
    }

    /// Puts in the place of the objects `names`, those of them that there are, what `edit` makes of them. Nobody else changes them
    /// meanwhile.
    ///
    /// # Errors
    /// As [`Self::apply`], and what `edit` says.
    pub async fn edit<E: From<Error>>(
        &self,
        names: &[ObjectName],
        who: Who,
        edit: impl FnOnce(Vec<Object>) -> Result<Vec<Object>, E>,
    ) -> Result<Vec<Difference>, E> {
        let mut txn = self.alone().await?;
        let present = present(&mut txn, &names.iter().collect::<Vec<_>>()).await?;
        let found = names.iter().filter_map(|name| present.get(name));
        let changes = edit(found.map(|(_, stored)| stored.object.clone()).collect())?;
        let changes: Vec<_> = changes.into_iter().map(Change::Put).collect();
        Ok(make(txn, &changes, &present, Mode::Store, who).await?)
    }

    /// A transaction beside which no other changes the inventory.
    async fn alone(&self) -> Result<Txn, Error> {
        let mut txn = self.begin(Writing::Apply).await?;
        query("SELECT pg_advisory_xact_lock($1)")
            .bind(LOCK)
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        Ok(txn)
    }
}

/// Makes `changes` of objects that are `present`, where nothing stands against any of them.
async fn make(
    mut txn: Txn,
    changes: &[Change],
    present: &HashMap<ObjectName, (i64, Stored)>,
    mode: Mode,
    who: Who,
) -> Result<Vec<Difference>, Error> {
    let mut faults = own_faults(changes, present);
    faults.extend(reference_faults(&mut txn, changes).await?);
    faults.extend(mention_faults(&mut txn, changes).await?);
    faults.extend(super::allocation::faults(&mut txn, changes, present, mode).await?);
    if faults.is_empty() {
        let differences = differences(changes, present);
        if mode == Mode::DryRun {
            return Ok(differences);
        }
        write(&mut txn, changes, present, &differences, who).await?;
        txn.commit().await?;
        return Ok(differences);
    }
    faults.sort_by(|a, b| a.object.cmp(&b.object));
    Err(Error::Faults { faults })
}

/// The objects of these names as they are stored.
async fn present(
    txn: &mut Txn,
    names: &[&ObjectName],
) -> Result<HashMap<ObjectName, (i64, Stored)>, Error> {
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    let rows = query("SELECT * FROM nim_object_spec WHERE name = ANY($1)")
        .bind(names)
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
    let rows: Vec<Model> = entity::read("an object", rows)?;
    rows.into_iter()
        .map(|row| {
            let id = row.id;
            stored(row).map(|stored| (stored.object.name.clone(), (id, stored)))
        })
        .collect()
}

/// Faults of each change by itself.
fn own_faults(changes: &[Change], present: &HashMap<ObjectName, (i64, Stored)>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    for change in changes {
        let mut fault = |problem| faults.push(Fault { object: change.name().clone(), problem });
        if !seen.insert(change.name()) {
            fault(Problem::Twice);
        }
        let found = present.get(change.name()).map(|(_, stored)| stored);
        let found_type = found.map(|found| found.object.spec.object_type());
        match (change, found) {
            (Change::Define(_), Some(found)) => {
                fault(Problem::Exists(found.object.spec.object_type()));
            }
            (Change::Change { .. } | Change::Remove(_), None) => fault(Problem::Missing),
            (Change::Change { version: Some(seen), .. }, Some(found)) if *seen != found.version => {
                fault(Problem::Stale { seen: *seen, found: found.version });
            }
            (
                Change::Define(_) | Change::Put(_) | Change::Change { .. } | Change::Remove(_),
                Some(_) | None,
            ) => (),
        }
        let Some(object) = change.object() else { continue };
        match found_type {
            Some(found)
                if found != object.spec.object_type() && !matches!(change, Change::Define(_)) =>
            {
                fault(Problem::OtherType(found));
            }
            Some(_) | None => (),
        }
        for (attribute, value) in object.attributes() {
            if value.contains('\0') || attribute.contains('\0') {
                fault(Problem::Nul(nim_shared::id::printable(&attribute)));
            }
        }
        let mut named = HashSet::new();
        for Reference { attribute, name, .. } in object.spec.references() {
            if !named.insert((attribute, name.clone())) {
                fault(Problem::TwiceIn { attribute, name });
            }
        }
    }
    faults
}

/// Mentions that name nothing, or something of another type, once all changes are made.
async fn reference_faults(txn: &mut Txn, changes: &[Change]) -> Result<Vec<Fault>, Error> {
    let after: HashMap<_, _> = changes
        .iter()
        .map(|change| (change.name(), change.object().map(|object| object.spec.object_type())))
        .collect();
    let mentions: Vec<(&ObjectName, Reference)> = changes
        .iter()
        .filter_map(Change::object)
        .flat_map(|object| references(object).into_iter().map(|mention| (&object.name, mention)))
        .collect();
    let elsewhere: HashSet<_> = mentions
        .iter()
        .map(|(_, mention)| &mention.name)
        .filter(|name| !after.contains_key(name))
        .map(ObjectName::as_str)
        .collect();
    let rows: Vec<(String, String)> =
        query_as("SELECT name, type FROM nim_object WHERE name = ANY($1)")
            .bind(elsewhere.into_iter().collect::<Vec<_>>())
            .fetch_all(txn.connection())
            .await
            .map_err(txn.failed())?;
    let stored: HashMap<_, _> = rows.into_iter().collect();
    let mut faults = Vec::new();
    let mut held: HashMap<(&ObjectName, ObjectType), ObjectName> = HashMap::new();
    for (object, Reference { attribute, name, types }) in mentions {
        let found = match after.get(&name) {
            Some(found) => *found,
            None => stored.get(name.as_str()).and_then(|text| text.parse().ok()),
        };
        let problem = match found {
            Some(of) if attribute == "allocated" && types.contains(&of) && !of.is_repeated() => {
                match held.insert((object, of), name.clone()) {
                    Some(other) if other != name => Problem::SecondOfType { name, of, other },
                    // The same one twice is a fault of its own.
                    Some(_) | None => continue,
                }
            }
            Some(found) if types.contains(&found) => continue,
            Some(found) => Problem::WrongReference { attribute, name, found },
            None => Problem::NoSuchReference { attribute, name },
        };
        faults.push(Fault { object: object.clone(), problem });
    }
    Ok(faults)
}

/// The objects that one mentions: those that its definition lists, and the networks of interfaces and routes.
fn references(object: &Object) -> Vec<Reference> {
    let network = |attribute, name: &ObjectName| Reference {
        attribute,
        name: name.clone(),
        types: &[ObjectType::Ent],
    };
    let mut all = object.spec.references();
    all.extend(object.spec.interface().and_then(|i| i.network.as_ref()).map(|n| network("if1", n)));
    if let Spec::Ent(ent) = &object.spec {
        all.extend(ent.routing.iter().filter_map(|route| match route {
            Route::To { network: to, .. } => Some(network("routing", to)),
            Route::Default(_) => None,
        }));
    }
    all
}

/// What stands against removals: mentions by objects that stay as they are, and open operations. The rows are locked first,
/// so that an operation that is being accepted is either seen or comes too late.
async fn mention_faults(txn: &mut Txn, changes: &[Change]) -> Result<Vec<Fault>, Error> {
    let gone: Vec<_> = changes
        .iter()
        .filter(|change| change.object().is_none())
        .map(|change| change.name().as_str())
        .collect();
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    // Objects that are changed in the same request are judged by what they will mention.
    let judged: Vec<_> = changes.iter().map(|change| change.name().as_str()).collect();
    query("SELECT FROM nim_object WHERE name = ANY($1) ORDER BY id FOR UPDATE")
        .bind(&gone)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
    let mentions: Vec<(String, String, String)> = query_as(
        "SELECT t.name, f.name, r.attribute FROM nim_object t
         JOIN nim_reference r ON r.to_id = t.id JOIN nim_object f ON f.id = r.from_id
         WHERE t.name = ANY($1) AND f.name <> ALL($2) ORDER BY f.id",
    )
    .bind(&gone)
    .bind(&judged)
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    let open: Vec<(String, Uuid)> = query_as(
        "SELECT lpar, id FROM operation
         WHERE lpar = ANY($1) AND state IN ('queued', 'dispatching', 'running', 'stuck')",
    )
    .bind(&gone)
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    let name = |text: String| {
        text.parse::<ObjectName>()
            .map_err(|cause| Error::unreadable("the name of an object", cause))
    };
    let mut faults = Vec::new();
    for (object, by, attribute) in mentions {
        let problem = Problem::Mentioned { by: name(by)?, attribute };
        faults.push(Fault { object: name(object)?, problem });
    }
    for (object, id) in open {
        let problem = Problem::OpenOperation(OperationId(id));
        faults.push(Fault { object: name(object)?, problem });
    }
    Ok(faults)
}

/// What the changes do.
fn differences(
    changes: &[Change],
    present: &HashMap<ObjectName, (i64, Stored)>,
) -> Vec<Difference> {
    let difference = |change: &Change| {
        let before = present.get(change.name()).map(|(_, stored)| &stored.object);
        let after = change.object();
        let object_type = after.or(before).map(|object| object.spec.object_type())?;
        let attributes = attribute_changes(before, after);
        let deed = match (before, after) {
            (None, _) => Deed::Made,
            (Some(_), None) => Deed::Removed,
            (Some(before), Some(after)) if before == after => Deed::Same,
            (Some(_), Some(_)) => Deed::Changed,
        };
        Some(Difference { name: change.name().clone(), object_type, deed, attributes })
    };
    changes.iter().filter_map(difference).collect()
}

/// Attribute by attribute.
pub(super) fn attribute_changes(
    before: Option<&Object>,
    after: Option<&Object>,
) -> Vec<AttributeChange> {
    let before = before.map(Object::attributes).unwrap_or_default();
    let after = after.map(Object::attributes).unwrap_or_default();
    let old: HashMap<_, _> = before.iter().map(|(a, v)| (a, v)).collect();
    let new: HashSet<_> = after.iter().map(|(a, _)| a).collect();
    let kept = after.iter().filter(|(a, v)| old.get(a) != Some(&v)).map(|(a, v)| AttributeChange {
        attribute: a.clone(),
        before: old.get(a).map(|v| (*v).clone()),
        after: Some(v.clone()),
    });
    let gone = before.iter().filter(|(a, _)| !new.contains(a)).map(|(a, v)| AttributeChange {
        attribute: a.clone(),
        before: Some(v.clone()),
        after: None,
    });
    kept.chain(gone).collect()
}

/// Writes what differs.
async fn write(
    txn: &mut Txn,
    changes: &[Change],
    present: &HashMap<ObjectName, (i64, Stored)>,
    differences: &[Difference],
    who: Who,
) -> Result<(), Error> {
    let with = |deed| {
        let pairs = changes.iter().zip(differences);
        pairs.filter(move |(_, difference)| difference.deed == deed).map(|(change, _)| change)
    };
    let made: Vec<_> = with(Deed::Made).filter_map(Change::object).collect();
    let changed: Vec<_> = with(Deed::Changed).filter_map(Change::object).collect();
    let removed: Vec<_> = with(Deed::Removed).map(Change::name).collect();
    let mut ids = insert(txn, &made).await?;
    update(txn, &changed).await?;
    ids.extend(
        changed.iter().filter_map(|o| present.get(&o.name).map(|(id, _)| (o.name.clone(), *id))),
    );
    let moved: Vec<_> = changed
        .iter()
        .filter_map(|after| present.get(&after.name).map(|before| (before, &after.spec)))
        .filter(|((_, before), after)| is_elsewhere(&before.object.spec, after))
        .map(|((id, _), _)| *id)
        .collect();
    super::check::forget(txn, &moved).await?;
    let written: Vec<_> = made.iter().chain(&changed).copied().collect();
    super::table::write(txn, &written, &ids).await?;
    delete(txn, &removed, present).await?;
    note(txn, changes, differences, present, who).await
}

/// Whether what an object stands for is now looked for at another place.
fn is_elsewhere(before: &Spec, after: &Spec) -> bool {
    before.place() != after.place() || before.host() != after.host()
}

/// Rows of new objects; their ids by name.
async fn insert(txn: &mut Txn, objects: &[&Object]) -> Result<BTreeMap<ObjectName, i64>, Error> {
    let rows: Vec<(i64, String)> = query_as(
        "INSERT INTO nim_object (name, class, type, labels, comments)
         SELECT x.name, x.class, x.type, x.labels, x.comments
         FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::text[])
              WITH ORDINALITY AS x (name, class, type, labels, comments, n)
         ORDER BY x.n RETURNING id, name",
    )
    .bind(objects.iter().map(|o| o.name.as_str()).collect::<Vec<_>>())
    .bind(objects.iter().map(|o| o.spec.object_type().class().name()).collect::<Vec<_>>())
    .bind(objects.iter().map(|o| o.spec.object_type().name()).collect::<Vec<_>>())
    .bind(objects.iter().map(|o| serde_json::json!(o.labels)).collect::<Vec<_>>())
    .bind(objects.iter().map(|o| o.comments.as_deref()).collect::<Vec<_>>())
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    let ids: HashMap<_, _> = rows.into_iter().map(|(id, name)| (name, id)).collect();
    Ok(objects
        .iter()
        .filter_map(|o| ids.get(o.name.as_str()).map(|id| (o.name.clone(), *id)))
        .collect())
}

/// Raises the version of objects that are there.
async fn update(txn: &mut Txn, objects: &[&Object]) -> Result<(), Error> {
    query(
        "UPDATE nim_object o SET labels = x.labels, comments = x.comments, version = o.version + 1,
                changed_at = now()
         FROM unnest($1::text[], $2::jsonb[], $3::text[]) AS x (name, labels, comments)
         WHERE o.name = x.name",
    )
    .bind(objects.iter().map(|o| o.name.as_str()).collect::<Vec<_>>())
    .bind(objects.iter().map(|o| serde_json::json!(o.labels)).collect::<Vec<_>>())
    .bind(objects.iter().map(|o| o.comments.as_deref()).collect::<Vec<_>>())
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

/// Deletes objects and their host keys, those that mention others first.
async fn delete(
    txn: &mut Txn,
    names: &[&ObjectName],
    present: &HashMap<ObjectName, (i64, Stored)>,
) -> Result<(), Error> {
    let type_of = |name: &ObjectName| present.get(name).map(|(_, s)| s.object.spec.object_type());
    for object_type in super::table::ORDER.iter().rev() {
        let these: Vec<_> = names
            .iter()
            .filter(|name| type_of(name) == Some(*object_type))
            .map(|name| name.as_str())
            .collect();
        if these.is_empty() {
            continue;
        }
        for sql in [
            // Networks may mention each other; everything else goes before what it mentions.
            "DELETE FROM nim_ent_route WHERE ent_id IN (SELECT id FROM nim_object WHERE name = ANY($1))",
            "DELETE FROM nim_object WHERE name = ANY($1)",
            "DELETE FROM host_key WHERE holder = ANY($1)",
        ] {
            query(sql).bind(&these).execute(txn.connection()).await.map_err(txn.failed())?;
        }
    }
    Ok(())
}

/// Notes in the history what was done.
async fn note(
    txn: &mut Txn,
    changes: &[Change],
    differences: &[Difference],
    present: &HashMap<ObjectName, (i64, Stored)>,
    who: Who,
) -> Result<(), Error> {
    let mut rows = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (change, difference) in changes.iter().zip(differences) {
        let what = match difference.deed {
            Deed::Made => "define",
            Deed::Changed => "change",
            Deed::Removed => "remove",
            Deed::Same => continue,
        };
        let before = present.get(change.name()).map(|(_, stored)| stored);
        let version = before.map_or(1, |stored| stored.version.saturating_add(1));
        rows.0.push(change.name().as_str());
        rows.1.push(what);
        rows.2.push(bigint(version).unwrap_or(i64::MAX));
        rows.3.push(before.map(|stored| serde_json::json!(stored.object)));
        rows.4.push(change.object().map(|object| serde_json::json!(object)));
    }
    let _: Vec<i64> = query_scalar(
        "INSERT INTO object_history (name, what, version, before, after, by_uid)
         SELECT x.*, $6 FROM unnest($1::text[], $2::text[], $3::bigint[], $4::jsonb[], $5::jsonb[]) AS x
         RETURNING id",
    )
    .bind(rows.0)
    .bind(rows.1)
    .bind(rows.2)
    .bind(rows.3)
    .bind(rows.4)
    .bind(i64::from(who.uid))
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

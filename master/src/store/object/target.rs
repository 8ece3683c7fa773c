//! From what a person names (LPARs, patterns, groups) to the LPARs that are meant.

use std::collections::{BTreeMap, HashSet};

use nim_shared::id::{ObjectName, OperationId};
use nim_shared::level::Level;
use nim_shared::object::{Object, ObjectType, Spec, Standalone};
use sea_orm::sqlx::{query, query_as};
use uuid::Uuid;

use super::{NamePattern, Stored, stored};
use crate::store::entity::{self, object::Model};
use crate::store::{Error, Store};

/// An LPAR with what an operation on it has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: ObjectName,
    /// Its attributes.
    pub lpar: Standalone,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The frame that it is on.
    pub frame: Option<ObjectName>,
    /// The preferred HMC of that frame.
    pub hmc: Option<ObjectName>,
    /// Its level, as its HMC showed it last.
    pub level: Option<Level>,
    /// The operation that is open on it.
    pub open: Option<OperationId>,
}

/// What names come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// The LPARs.
    pub lpars: Vec<Target>,
    /// Members of groups that the group leaves out, and that nothing else names: group and member.
    pub excluded: Vec<(ObjectName, ObjectName)>,
}

/// What a name comes to: each with its type, and whether it is a member that its group leaves out.
type Found = Vec<(String, String, bool)>;

impl Store {
    /// The LPARs that `names` mean, each once: names of LPARs, names of groups, and patterns of names of LPARs. In the order
    /// of `names`, within a pattern in that of making, within a group in that of its list, without those that it leaves out.
    ///
    /// # Errors
    /// [`Error::NoSuchLpar`] with every name and pattern that means none; [`Error::NotLpars`] when a group has other members.
    pub async fn expand_targets(&self, names: &[NamePattern]) -> Result<Targets, Error> {
        let mut chosen: Vec<String> = Vec::new();
        let mut excluded = Vec::new();
        let mut unknown = Vec::new();
        let mut found = self.found(names).await?;
        for (place, name) in names.iter().enumerate() {
            let found = found.remove(&place).unwrap_or_default();
            if found.is_empty() {
                unknown.push(name.as_str().to_owned());
            }
            let (left_out, found): (Found, Found) = found.into_iter().partition(|(.., out)| *out);
            for (member, ..) in left_out {
                excluded.push((read(name.as_str())?, read(&member)?));
            }
            let (lpars, others): (Found, Found) =
                found.into_iter().partition(|(_, of, _)| of == ObjectType::Standalone.name());
            if !others.is_empty() {
                let members =
                    others.iter().map(|(name, ..)| read(name)).collect::<Result<_, _>>()?;
                return Err(Error::NotLpars { group: read(name.as_str())?, members });
            }
            chosen.extend(lpars.into_iter().map(|(name, ..)| name));
        }
        if !unknown.is_empty() {
            return Err(Error::NoSuchLpar { names: unknown });
        }
        let mut seen = HashSet::new();
        chosen.retain(|name| seen.insert(name.clone()));
        excluded.retain(|(_, member)| !seen.contains(member.as_str()));
        Ok(Targets { lpars: self.targets(&chosen).await?, excluded })
    }

    /// The names and types of what `names` mean, by the place in `names`: an LPAR, the members of a group, the LPARs that match.
    async fn found(&self, names: &[NamePattern]) -> Result<BTreeMap<usize, Found>, Error> {
        let rows: Vec<(i64, String, String, bool)> = query_as(
            "WITH w AS (SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (exact, regex, n))
             SELECT n, name, type, excluded FROM (
                 SELECT n, 0::bigint AS place, name, type, false AS excluded FROM w JOIN nim_object o ON o.name = w.exact
                     WHERE o.type = 'standalone'
                 UNION ALL
                 SELECT n, l.position, m.name, m.type, l.excluded FROM w JOIN nim_object g ON g.name = w.exact
                     JOIN nim_mac_group_member l ON l.group_id = g.id JOIN nim_object m ON m.id = l.member_id
                 UNION ALL
                 SELECT n, o.id, o.name, o.type, false FROM w JOIN nim_object o ON o.name ~ w.regex
                     WHERE o.type = 'standalone'
             ) found ORDER BY n, place",
        )
        .bind(names.iter().map(NamePattern::exact).collect::<Vec<_>>())
        .bind(names.iter().map(NamePattern::regex).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look up the targets", cause))?;
        let mut found: BTreeMap<usize, Found> = BTreeMap::new();
        for (n, name, of, excluded) in rows {
            let place =
                usize::try_from(n - 1).map_err(|cause| Error::unreadable("a place", cause))?;
            found.entry(place).or_default().push((name, of, excluded));
        }
        Ok(found)
    }

    /// The targets of these names, in their order.
    async fn targets(&self, names: &[String]) -> Result<Vec<Target>, Error> {
        let failed = |cause| Error::sqlx("read the LPARs", cause);
        let rows =
            query("SELECT * FROM nim_object_spec WHERE name = ANY($1) AND type = 'standalone'")
                .bind(names)
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        let rows: Vec<Model> = entity::read("an LPAR", rows)?;
        let mut objects = BTreeMap::new();
        for row in rows {
            let Stored { object, .. } = stored(row)?;
            objects.insert(object.name.as_str().to_owned(), object);
        }
        let hmcs: Vec<(String, String)> = query_as(
            "SELECT DISTINCT ON (l.cec_id) f.name, h.name
             FROM nim_cec_hmc l JOIN nim_object f ON f.id = l.cec_id JOIN nim_object h ON h.id = l.hmc_id
             ORDER BY l.cec_id, l.preference",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let hmcs: BTreeMap<_, _> = hmcs.into_iter().collect();
        let levels: Vec<(String, i64)> = query_as(
            "SELECT o.name, p.level FROM nim_object o JOIN nim_standalone s ON s.object_id = o.id
             JOIN frame_partition p ON p.cec_id = s.cec_id AND p.name = s.partition
             WHERE o.name = ANY($1) AND p.level IS NOT NULL",
        )
        .bind(names)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let levels: BTreeMap<_, _> = levels.into_iter().collect();
        let open: Vec<(String, Uuid)> = query_as(
            "SELECT lpar, id FROM operation
             WHERE lpar = ANY($1) AND state IN ('queued', 'dispatching', 'running', 'stuck')",
        )
        .bind(names)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let open: BTreeMap<_, _> = open.into_iter().collect();
        let target = |name: &String| {
            let Object { name, spec, labels, .. } = objects.remove(name)?;
            let Spec::Standalone(lpar) = spec else { return None };
            let frame = lpar.mgmt_source.clone();
            let hmc = frame.as_ref().and_then(|frame| hmcs.get(frame.as_str()));
            let hmc = hmc.and_then(|text| text.parse().ok());
            let open = open.get(name.as_str()).copied().map(OperationId);
            let level = levels.get(name.as_str()).and_then(|number| Level::of_number(*number));
            Some(Target { name, lpar, labels, frame, hmc, level, open })
        };
        Ok(names.iter().filter_map(target).collect())
    }
}

/// A name as the database has it.
fn read(text: &str) -> Result<ObjectName, Error> {
    text.parse().map_err(|cause: nim_shared::id::BadName| Error::unreadable("a group", cause))
}

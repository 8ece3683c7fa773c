//! From what a person names (LPARs, patterns, groups) to the LPARs that are meant.

use std::collections::{BTreeMap, HashSet};

use nim_shared::id::{ObjectName, OperationId};
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
    /// The operation that is open on it.
    pub open: Option<OperationId>,
}

impl Store {
    /// The LPARs that `names` mean, each once: names of LPARs, names of groups, and patterns of names of LPARs. In the order
    /// of `names`, within a pattern in that of making, within a group in that of its list.
    ///
    /// # Errors
    /// [`Error::NoSuchLpar`] with every name and pattern that means none; [`Error::NotLpars`] when a group has other members.
    pub async fn expand_targets(&self, names: &[NamePattern]) -> Result<Vec<Target>, Error> {
        let mut chosen: Vec<String> = Vec::new();
        let mut unknown = Vec::new();
        for name in names {
            let found = match name.exact() {
                Some(exact) => self.named(exact).await?,
                None => self.matching(name).await?,
            };
            if found.is_empty() {
                unknown.push(name.as_str().to_owned());
            }
            chosen.extend(found);
        }
        if !unknown.is_empty() {
            return Err(Error::NoSuchLpar { names: unknown });
        }
        let mut seen = HashSet::new();
        chosen.retain(|name| seen.insert(name.clone()));
        self.targets(&chosen).await
    }

    /// The LPAR of this name, or the members of the group of this name.
    async fn named(&self, name: &str) -> Result<Vec<String>, Error> {
        let rows: Vec<(String, String)> = query_as(
            "SELECT o.name, o.type FROM nim_object o WHERE o.name = $1 AND o.type = 'standalone'
             UNION ALL
             (SELECT m.name, m.type FROM nim_object g JOIN nim_mac_group_member l ON l.group_id = g.id
                JOIN nim_object m ON m.id = l.member_id WHERE g.name = $1 ORDER BY l.position)",
        )
        .bind(name)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("look up {name}"), cause))?;
        let (lpars, others): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(_, of)| of == ObjectType::Standalone.name());
        if others.is_empty() {
            return Ok(lpars.into_iter().map(|(name, _)| name).collect());
        }
        let read = |text: &str| {
            text.parse()
                .map_err(|cause: nim_shared::id::BadName| Error::unreadable("a group", cause))
        };
        let members = others.iter().map(|(name, _)| read(name)).collect::<Result<_, _>>()?;
        Err(Error::NotLpars { group: read(name)?, members })
    }

    /// The LPARs whose names match.
    async fn matching(&self, pattern: &NamePattern) -> Result<Vec<String>, Error> {
        let rows: Vec<(String,)> = query_as(
            "SELECT name FROM nim_object WHERE type = 'standalone' AND name LIKE $1 ORDER BY id",
        )
        .bind(pattern.like())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look up a pattern of names", cause))?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
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
            Some(Target { name, lpar, labels, frame, hmc, open })
        };
        Ok(names.iter().filter_map(target).collect())
    }
}

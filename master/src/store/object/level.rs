//! How many LPARs have which level, as their HMCs showed it last.

use nim_shared::api::LevelCount;
use nim_shared::id::ObjectName;
use nim_shared::level::Level;
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query_as, query_scalar};
use time::OffsetDateTime;

use crate::store::{Error, Store, batch, unsigned};

/// Most names beside a count.
const EXAMPLES: i64 = 5;

impl Store {
    /// LPARs by level, the oldest level first; last those of which none is known.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn levels(&self) -> Result<Vec<LevelCount>, Error> {
        let failed = |cause| Error::sqlx("count the LPARs by level", cause);
        // Whose view it is and how old: as old as the oldest reading that is counted.
        let counts: Vec<(Option<i64>, i64, Option<OffsetDateTime>)> = query_as(
            "SELECT p.level, count(*), min(e.read_at) FROM nim_standalone s
             LEFT JOIN frame_partition p ON p.cec_id = s.cec_id AND p.name = s.partition
                AND p.level IS NOT NULL
             LEFT JOIN frame_reading e ON e.cec_id = p.cec_id
             GROUP BY p.level ORDER BY p.level NULLS LAST",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let known: Vec<i64> = counts.iter().filter_map(|(level, ..)| *level).collect();
        let examples: Vec<(i64, String)> = query_as(
            "SELECT l.level, x.name FROM unnest($1::bigint[]) AS l (level) CROSS JOIN LATERAL (
                SELECT o.id, o.name FROM frame_partition p
                JOIN nim_standalone s ON s.cec_id = p.cec_id AND s.partition = p.name
                JOIN nim_object o ON o.id = s.object_id
                WHERE p.level = l.level LIMIT $2) x ORDER BY x.id",
        )
        .bind(&known)
        .bind(EXAMPLES)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let unknown = match counts.iter().find(|(level, ..)| level.is_none()) {
            Some((_, lpars, _)) => self.without_level((*lpars).min(EXAMPLES)).await?,
            None => Vec::new(),
        };
        let names = |names: Vec<&String>| {
            names.into_iter().map(|name| batch::name(name)).collect::<Result<Vec<ObjectName>, _>>()
        };
        counts
            .into_iter()
            .map(|(level, lpars, oldest)| {
                let of_level = examples.iter().filter(|(of, _)| Some(*of) == level);
                let examples = match level {
                    Some(_) => names(of_level.map(|(_, name)| name).collect())?,
                    None => names(unknown.iter().collect())?,
                };
                Ok(LevelCount {
                    level: level.and_then(Level::of_number).map(|level| level.to_string()),
                    lpars: unsigned(lpars),
                    examples,
                    oldest_reading: oldest.map(Timestamp::new),
                })
            })
            .collect()
    }

    /// Names of so many LPARs of which no level is known.
    async fn without_level(&self, many: i64) -> Result<Vec<String>, Error> {
        let failed = |cause| Error::sqlx("look for LPARs without a level", cause);
        // Those that indices know of: shown without a level, or on no frame. There are as many as are wanted, mostly.
        let found: Vec<String> = query_scalar(
            "SELECT x.name FROM (
                (SELECT o.id, o.name FROM frame_partition p
                 JOIN nim_standalone s ON s.cec_id = p.cec_id AND s.partition = p.name
                 JOIN nim_object o ON o.id = s.object_id WHERE p.level IS NULL LIMIT $1)
                UNION ALL
                (SELECT o.id, o.name FROM nim_standalone s JOIN nim_object o ON o.id = s.object_id
                 WHERE s.cec_id IS NULL LIMIT $1)) x ORDER BY x.id LIMIT $1",
        )
        .bind(many)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        if i64::try_from(found.len()).is_ok_and(|found| found >= many) {
            return Ok(found);
        }
        query_scalar(
            "SELECT o.name FROM nim_standalone s JOIN nim_object o ON o.id = s.object_id
             WHERE NOT EXISTS (SELECT FROM frame_partition p
                 WHERE p.cec_id = s.cec_id AND p.name = s.partition AND p.level IS NOT NULL)
             ORDER BY s.object_id LIMIT $1",
        )
        .bind(many)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }
}

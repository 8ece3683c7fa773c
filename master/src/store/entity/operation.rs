//! One operation.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "operation")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) id: Uuid,
    pub(in crate::store) batch_id: Uuid,
    pub(in crate::store) requested_by: i64,
    pub(in crate::store) lpar: String,
    pub(in crate::store) frame: Option<String>,
    pub(in crate::store) hmc: Option<String>,
    pub(in crate::store) kind: String,
    pub(in crate::store) request: String,
    pub(in crate::store) digest: Vec<u8>,
    pub(in crate::store) state: String,
    pub(in crate::store) detail: Json,
    pub(in crate::store) stage: Option<String>,
    pub(in crate::store) phase: Option<String>,
    pub(in crate::store) entered_at: TimeDateTimeWithTimeZone,
    pub(in crate::store) waits_for: Option<String>,
    pub(in crate::store) lost_contact_since: Option<TimeDateTimeWithTimeZone>,
    pub(in crate::store) deadline: Option<TimeDateTimeWithTimeZone>,
    pub(in crate::store) not_before: Option<TimeDateTimeWithTimeZone>,
    pub(in crate::store) estimated_blackout_seconds: Option<i64>,
    pub(in crate::store) estimated_total_seconds: Option<i64>,
    pub(in crate::store) report: Option<Json>,
    pub(in crate::store) owner: Option<Uuid>,
    pub(in crate::store) fence: i64,
    pub(in crate::store) epoch: i64,
    pub(in crate::store) seq: i64,
    pub(in crate::store) hash: Vec<u8>,
    pub(in crate::store) output_offset: i64,
    pub(in crate::store) output_bytes: i64,
    pub(in crate::store) output_cut: bool,
    pub(in crate::store) cancel_asked_at: Option<TimeDateTimeWithTimeZone>,
    pub(in crate::store) cancel_asked_by: Option<i64>,
    pub(in crate::store) resolved_at: Option<TimeDateTimeWithTimeZone>,
    pub(in crate::store) resolved_by: Option<i64>,
    pub(in crate::store) resolved_reason: Option<String>,
    pub(in crate::store) created_at: TimeDateTimeWithTimeZone,
    pub(in crate::store) changed_at: TimeDateTimeWithTimeZone,
    pub(in crate::store) started_at: Option<TimeDateTimeWithTimeZone>,
    pub(in crate::store) ended_at: Option<TimeDateTimeWithTimeZone>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(in crate::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

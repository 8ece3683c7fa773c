//! The operations of one request.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "batch")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) id: Uuid,
    pub(in crate::store) token: Uuid,
    pub(in crate::store) digest: Vec<u8>,
    pub(in crate::store) requested_by: i64,
    pub(in crate::store) concurrent: Option<i64>,
    pub(in crate::store) time_limit_seconds: Option<i64>,
    pub(in crate::store) request: Json,
    pub(in crate::store) created_at: TimeDateTimeWithTimeZone,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(in crate::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

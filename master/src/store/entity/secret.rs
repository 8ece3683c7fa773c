//! A secret, sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "secret")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) name: String,
    pub(in crate::store) version: i64,
    pub(in crate::store) key_id: String,
    pub(in crate::store) nonce: Vec<u8>,
    pub(in crate::store) ciphertext: Vec<u8>,
    pub(in crate::store) login: Option<String>,
    pub(in crate::store) changed_by: i64,
    pub(in crate::store) changed_at: TimeDateTimeWithTimeZone,
    pub(in crate::store) refused_at: Option<TimeDateTimeWithTimeZone>,
    pub(in crate::store) refused_by: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(in crate::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

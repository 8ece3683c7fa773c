//! Bodies of the HTTP API that `nimctl` and other programs speak with `nimd`, under [`BASE`].
//!
//! | method and path | body → answer |
//! | --- | --- |
//! | `GET /v1/server` | → [`Server`] |
//! | `GET /v1/objects?type*&class*&name*&label*&where&sort&after&limit` | → [`Page`] of [`ObjectView`] |
//! | `GET /v1/list?type*&class*&name*&label*&where&sort&limit` | → lines: [`Line`] of [`ObjectView`] |
//! | `GET /v1/rows?type*&class*&name*&label*&where&sort&limit&columns` | → lines: [`Line`] of [`Row`] |
//! | `POST /v1/objects` | [`Define`] → [`ObjectView`] |
//! | `GET /v1/objects/{name}` | → [`ObjectView`] |
//! | `PATCH /v1/objects/{name}` | [`Edit`] → [`ObjectView`] |
//! | `DELETE /v1/objects/{name}` | → nothing |
//! | `GET /v1/objects/{name}/history?limit` | → list of [`PastChange`], the newest first |
//! | `POST /v1/objects/{name}/check` | [`Check`] → [`Checked`] |
//! | `POST /v1/allocate` | [`Allocate`] → [`AllocationChange`] |
//! | `POST /v1/deallocate` | [`Deallocate`] → [`AllocationChange`] |
//! | `POST /v1/apply` | [`Apply`] → [`Applied`] |
//! | `GET /v1/fix_bundles/{name}` | → [`FixBundleView`] |
//! | `GET /v1/lpp_sources/{name}` | → [`LppSourceView`] |
//! | `POST /v1/lpp_sources/{name}/check` | → [`LppSourceView`] |
//! | `POST /v1/lpp_sources/{name}/packages` | [`ChangePackages`] → [`ChangedPackages`] |
//! | `GET /v1/export?name*` | → YAML text |
//! | `POST /v1/discover` | [`Discover`] → [`Discovered`] |
//! | `GET /v1/hmcs/{name}/systems` | → list of [`SystemView`] |
//! | `GET /v1/codes` | → list of [`SiteEntry`]: what the site adds to the codes that are built in |
//! | `GET /v1/report/levels` | → list of [`LevelCount`] |
//! | `GET /v1/report/blackout?lpar*&limit` | → [`BlackoutReport`]: with `limit` of the longest |
//! | `GET /v1/frames?name*` | → lines: [`Line`] of [`FrameStatus`]: all, or those of the frames and HMCs of these names; those of one preferred HMC together |
//! | `GET /v1/frames/{name}/partitions` | → list of [`PartitionView`] |
//! | `GET /v1/adapters?name*` | → lines: [`Line`] of [`MachineAdapters`]: of the VIOSes and LPARs of these names, those of one frame together |
//! | `POST /v1/cust` | [`Cust`] → [`Accepted`] |
//! | `GET /v1/operations?state*&lpar*&batch&id&after&limit` | → [`Page`] of [`OperationView`], newest first; `id` is the beginning of an id |
//! | `GET /v1/operations/{id}` | → [`OperationView`] |
//! | `POST /v1/operations/{id}/cancel` | → [`OperationView`] |
//! | `POST /v1/operations/{id}/resolve` | [`Resolve`] → [`OperationView`] |
//! | `POST /v1/operations/{id}/retry` | [`Retry`] → [`Accepted`] |
//! | `POST /v1/operations/{id}/snap` | [`Snap`] → [`Accepted`] |
//! | `GET /v1/operations/{id}/events?after&limit` | → [`Page`] of [`EventView`] |
//! | `GET /v1/operations/{id}/hooks` | → list of [`MasterHook`] |
//! | `GET /v1/operations/{id}/output?epoch&file&from&limit` | → [`Output`]; with `epoch` of that line of history only, with `file` of a log that is kept |
//! | `GET /v1/watch?operation*&batch` | → server-sent events of [`Watched`] |
//! | `POST /v1/hostkeys/scan` | [`Scan`] → [`Scanned`] |
//! | `POST /v1/hostkeys` | [`TrustKeys`] → [`Trusted`] |
//! | `POST /v1/hostkeys/import` | [`ImportKeys`] → [`Trusted`] |
//! | `GET /v1/hostkeys?name` | → [`Page`] of [`HostKey`], all in one |
//! | `DELETE /v1/hostkeys/{name}` | → nothing |
//! | `GET /v1/secrets` | → [`Page`] of [`SecretView`], all in one |
//! | `PUT /v1/secrets/{name}` | [`SetSecret`] → [`SecretView`] |
//! | `POST /v1/secret-key` | → [`Rotated`]: a new key for all secrets |
//! | `POST /v1/hmcs/{name}/key` | [`ExchangeKey`] → [`KeyExchanged`] |
//! | `DELETE /v1/secrets/{name}` | → nothing |
//! | `GET /v1/agent/{lpar}/bundle` | → shell script |
//! | `GET /v1/agent/{lpar}/status` | → [`AgentStatus`] |
//! | `POST /v1/agent/{lpar}/query` | [`Query`] → [`QueryAnswer`] |
//! | `POST /v1/preflight` | [`Preflight`] → [`Preflighted`] |
//! | `POST /v1/rollout/plan` | [`PlanRollout`] → [`RolloutPlanned`] |
//! | `POST /v1/rollout/rehearsal` | [`RehearseRollout`] → [`RolloutRehearsed`] |
//! | `POST /v1/rollout/lab` | [`CopyForLab`] → [`LabCopy`] |
//! | `POST /v1/rollouts` | [`StartRollout`] → [`RolloutView`] |
//! | `GET /v1/rollouts` | → list of [`RolloutView`], the newest first |
//! | `GET /v1/rollouts/{name}` | → [`RolloutStatus`] |
//! | `POST /v1/rollouts/{name}/turn` | [`AskTurn`] → [`RolloutView`] |
//! | `GET /v1/rollouts/{name}/watch?after` | → [`WatchedRollout`] |
//! | `GET /v1/rollouts/{name}/report` | → [`RolloutReport`] |
//! | `GET /v1/rollouts/{name}/replay` | → [`RolloutReplayed`] |
//! | `POST /v1/receivers/{name}/test` | → [`ReceiverTold`] |
//! | `GET /v1/why/{name}` | → list of [`Why`]: of the rollout and of the LPAR that are called so |
//! | `GET /v1/maintenance` | → list of [`MaintenanceView`] |
//! | `PUT /v1/maintenance/{name}` | [`SetMaintenance`] → [`MaintenanceView`] |
//! | `DELETE /v1/maintenance/{name}` | → nothing |
//! | `GET /v1/clean-up/{lpar}` | → [`CleanUpView`]: the LPAR and an HMC are asked now |
//! | `POST /v1/clean-up/{lpar}` | [`CleanUp`] → [`Accepted`] |
//! | `GET /v1/policy` | → [`PolicyView`] |
//! | `PUT /v1/policy` | [`SetPolicy`] → [`PolicyView`] |
//! | `GET /v1/policy/{lpar}` | → [`LparPolicy`]: what it means for one LPAR |
//! | `POST /v1/live-update-data` | [`Generate`] → [`Generated`] |
//! | `POST /v1/aftercare` | [`Aftercare`] → [`LeftToDo`] |
//! | `GET /v1/disks/{lpar}` | → [`DiskList`] |
//! | `POST /v1/disks/{lpar}/look` | [`LookAtDisks`] → [`ReleaseProposal`]: nothing is changed |
//! | `POST /v1/disks/{lpar}/release` | [`ReleaseDisks`] → [`Accepted`] |
//! | `POST /v1/rollback/{lpar}/look` | [`LookAtRollback`] → [`RollbackProposal`]: nothing is changed |
//! | `POST /v1/rollback/{lpar}` | [`RollBack`] → [`Accepted`] |
//!
//! `label`, `where`, `sort` and `columns` are written as [`crate::select`] reads them. Lines are streamed, whatever the size of the fleet.
//!
//! A parameter with a star may be repeated. `schemas/openapi.json` is written from this table and the types, and nimd's routes are
//! compared with it.
//!
//! Every error is a [`Failure`] with the HTTP status of its kind. Times are RFC 3339 in UTC, keys `snake_case`; fields are
//! added, never renamed.

mod aftercare;
mod allocation;
mod blackout;
mod clean_up;
mod code;
mod discover;
mod disks;
mod hook;
mod host;
mod live_update_data;
mod lpp;
mod maintenance;
mod object;
mod operation;
mod policy;
mod preflight;
mod rollback;
mod rollout;
mod vios;

pub use crate::code::SiteEntry;
pub use crate::query::Query;
pub use aftercare::{Aftercare, GoneItem, LeftToDo, LparAftercare, StillOpen};
pub use allocation::{Allocate, AllocationChange, Check, Checked, Deallocate};
pub use blackout::{BlackoutReport, BlackoutView, Distribution};
pub use clean_up::{Advice, CleanUp, CleanUpView, FlagView};
pub use code::CodeMeaning;
pub use discover::{
    Discover, Discovered, FailedHmc, Finding, FindingKind, FrameConsole, FrameFigures,
    FramePartition, FrameStatus, LevelCount, PartitionView, SystemView,
};
pub use disks::{DiskList, LookAtDisks, ProposedRelease, ReleaseDisks, ReleaseProposal};
pub use hook::{HookState, MasterHook};
pub use host::{
    AgentStatus, ExchangeKey, HostKey, ImportKeys, KeyExchanged, KeySource, OtherMaster,
    QueryAnswer, Rotated, Scan, Scanned, SecretView, Server, SetSecret, TrustKeys, Trusted,
};
pub use live_update_data::{
    AUTO, Against, DataProposal, Generate, Generated, JudgedDisk, ProposalState, ProposedValue,
};
pub use lpp::{ChangePackages, ChangedPackages, FixBundleView, LppSourceView};
pub use maintenance::{MaintenanceView, SetMaintenance};
pub use object::{
    Action, Applied, Apply, AttributeChange, Cell, Define, Edit, File, FileFault, ObjectChange,
    ObjectView, Pair, PastChange,
};
pub use operation::{
    Accepted, AcceptedOperation, Cust, EventView, OperationView, Output, Resolve, Retry, Snap,
    Watched,
};
pub use policy::{LparPolicy, PolicyView, SetPolicy};
pub use preflight::{Before, Preflight, PreflightReport, Preflighted, Scored, WorkloadFound};
pub use rollback::{LookAtRollback, RollBack, RollbackProposal};
pub use rollout::{
    Approval, AskTurn, Basis, CopyForLab, FailureGroup, HeldLpar, LabCopy, LabFrame, LabHmc,
    LabLimits, LabLpar, LabMedia, LabVios, LeftOut, PlanRollout, PlannedFrame, PlannedLpar,
    PlannedWave, ReceiverDeliveries, ReceiverTold, RehearseRollout, RehearsedBlackout,
    RehearsedFailure, RehearsedFault, RehearsedLate, RehearsedLeftOut, RehearsedPast,
    RehearsedRate, RehearsedStop, RehearsedTimes, RehearsedTimesOf, ReportedLpar, RolloutCounts,
    RolloutEvent, RolloutOutlook, RolloutPlan, RolloutPlanned, RolloutRehearsed, RolloutReplayed,
    RolloutReport, RolloutStatus, RolloutView, StartRollout, StopNumbers, TargetView, Tried,
    TryAgain, TurnRollout, WaitsFor, WatchedFrame, WatchedLpar, WatchedRollout, WatchedUpdate,
    WatchedWave, Why,
};
pub use vios::{
    AdapterKind, AdapterView, MachineAdapters, ScsiTarget, ServerAdapter, ViosReading, ViosStatus,
};

use serde::{Deserialize, Serialize};

/// Path before every other.
pub const BASE: &str = "/v1";

/// Most rows of a page; what is asked for beyond is cut to it.
pub const PAGE_LIMIT: u32 = 1000;

/// A part of a listing. `after` of the next request is `next` of this one; no `next`, no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A line of a stream. The last one is an end or a failure: a stream without either is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Line<T> {
    /// One more.
    Item(T),
    /// There are no more.
    End {
        /// How many there were.
        items: u64,
    },
    /// What follows cannot be given.
    Failed(Box<Failure>),
}

/// A row of an object: what stands in each of the columns that were asked for.
pub type Row = Vec<Cell>;

/// Why something was not done. Nothing was changed, unless the message says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    /// Stays the same for years: `NLU-0201`.
    pub code: String,
    /// What was tried, on which object.
    pub message: String,
    /// Why, outermost first.
    #[serde(default)]
    pub causes: Vec<String>,
    /// What to type or to look at now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// All faults of an input that has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FileFault>,
    /// What kind of failure it is: decides HTTP status and exit code.
    pub kind: FailureKind,
}

crate::stage::names! {
    /// Kinds of failure. In brackets: HTTP status, exit code of `nimctl`.
    FailureKind, "kind of failure" {
        /// The request itself is wrong (400, 2).
        Usage = "usage",
        /// No such object or operation (404, 3).
        NotFound = "not_found",
        /// Refused; nothing was changed (409, 3).
        Refused = "refused",
        /// Somebody or something cannot be reached, or a limit passed (503, 4).
        Unreachable = "unreachable",
        /// Not allowed (403, 5).
        Forbidden = "forbidden",
        /// A fault in nimd; its log has more (500, 4).
        Internal = "internal",
    }
}

impl FailureKind {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Usage => 400,
            Self::NotFound => 404,
            Self::Refused => 409,
            Self::Unreachable => 503,
            Self::Forbidden => 403,
            Self::Internal => 500,
        }
    }
}

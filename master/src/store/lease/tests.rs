use super::*;
use crate::store::testing;
use crate::store::testing::world::master;

fn times(lasts: u64, margin: u64) -> LeaseTimes {
    LeaseTimes { lasts: Duration::from_secs(lasts), margin: Duration::from_secs(margin) }
}

#[test]
fn a_lease_counts_from_before_the_heartbeat_and_ends_a_margin_early() {
    let begun = Instant::now();
    let at = |seconds| begun + Duration::from_secs(seconds);
    let mut lease = Lease::new(times(15, 5));
    assert!(!lease.valid_for_command(at(0)), "none yet");
    lease.renewed(at(0));
    assert!(lease.valid_for_command(at(9)));
    assert!(!lease.valid_for_command(at(10)));
    lease.renewed(at(9));
    lease.renewed(at(3));
    assert!(lease.valid_for_command(at(18)), "a late answer does not shorten it");
}

#[tokio::test]
async fn a_restarted_master_ends_the_lease_of_the_one_before_it_and_of_no_other() {
    let store = testing::store().await;
    let other = master(&store).await;
    let [first, second] = [(); 2].map(|()| MasterId(Uuid::now_v7()));
    store.register(first, "host:/data", LeaseTimes::default()).await.unwrap();
    store.register(second, "host:/data", LeaseTimes::default()).await.unwrap();
    let alive = async || -> Vec<MasterId> {
        store.masters().await.unwrap().iter().filter(|one| one.alive).map(|one| one.id).collect()
    };
    assert_eq!(alive().await, [second, other]);
    assert!(matches!(
        store.heartbeat(first, LeaseTimes::default()).await,
        Err(Error::LeaseEnded { .. })
    ));
    assert_eq!(alive().await, [second, other], "and it stays ended");
}

#[tokio::test]
async fn a_lease_lapses_by_the_clock_of_the_database_and_can_be_renewed() {
    let store = testing::store().await;
    let id = MasterId(Uuid::now_v7());
    store.register(id, "here", times(0, 0)).await.unwrap();
    assert!(!store.masters().await.unwrap()[0].alive);
    store.heartbeat(id, LeaseTimes::default()).await.unwrap();
    assert!(store.masters().await.unwrap()[0].alive);
    store.resign(id).await.unwrap();
    assert!(!store.masters().await.unwrap()[0].alive);
}

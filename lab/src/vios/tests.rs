use super::*;
use crate::site;
use crate::world::PartitionState;

fn world() -> World {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text).unwrap();
    file.lpars[0].npiv = true;
    site::build::world(&file)
}

fn answer(world: &World, line: &str) -> (String, u8) {
    let output = run(world, "vios1a", line, As::Padmin);
    (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status)
}

#[test]
fn maps_are_printed_in_columns_and_in_fields() {
    let world = world();
    let (text, status) = answer(&world, "ioscli lsmap -vadapter vhost0");
    assert_eq!(status, 0);
    let head = "SVSA            Physloc                                      Client Partition ID\n\
                --------------- -------------------------------------------- ------------------\n\
                vhost0          U9009.42A.7812345-V1-C100                    0x0000000b\n\n\
                VTD                   vtscsi0\nStatus                Available\n\
                LUN                   0x8100000000000000\n";
    assert!(text.starts_with(head), "{text}");
    let (text, _) = answer(&world, "lsmap -all -cpid 11 -dec -fmt :");
    let line =
        "vhost0:U9009.42A.7812345-V1-C100:11:vtscsi0:Available:0x8100000000000000:lpar01_hdisk0:";
    assert!(text.starts_with(line) && text.lines().count() == 1, "{text}");
}

#[test]
fn a_fibre_channel_client_is_logged_in_while_it_runs() {
    let mut world = world();
    let (text, status) = answer(&world, "ioscli lsmap -all -npiv -fmt :");
    let up = "vfchost0:U9009.42A.7812345-V1-C150:11:lpar01:AIX:LOGGED_IN:fcs0:U78D2.001.WZS01K8-P1-C1-T1:5:\
              a<LOGGED_IN,STRIP_MERGE>:fcs0:U9009.42A.7812345-V11-C30-T1\n";
    assert_eq!((text.as_str(), status), (up, 0));
    let frame = world.frames.get_mut("frame1").unwrap();
    frame.partition_mut(11).unwrap().state = PartitionState::NotActivated;
    let (text, _) = answer(&world, "ioscli lsmap -all -npiv -fmt :");
    assert!(
        text.ends_with(
            ":lpar01: :NOT_LOGGED_IN:fcs0:U78D2.001.WZS01K8-P1-C1-T1:0:4<NOT_LOGGED>: : \n"
        ),
        "{text}"
    );
    assert!(answer(&world, "lsmap -all -npiv").0.contains("\nStatus:NOT_LOGGED_IN\n"));
}

#[test]
fn a_restricted_shell_refuses_what_it_does() {
    let world = world();
    for line in ["cd /", "/usr/bin/ls", "ioslevel > /tmp/x", "lsmap -all 2>&1"] {
        let (text, status) = answer(&world, line);
        assert!(text.contains("0403-019 The operation is not allowed"), "{line}: {text}");
        assert_eq!(status, 1, "{line}");
    }
    assert_eq!(answer(&world, "lsblk").1, 127);
    assert_eq!(answer(&world, "lsmap -all -vadapter vhost0").1, 1);
    assert_eq!(answer(&world, "lslpp -L").1, 127, "only root has it");
}

#[test]
fn root_is_reached_by_a_pipe_and_nothing_completes_on_a_broken_one() {
    let mut world = world();
    let (text, status) = answer(&world, "echo 'lslpp -Lqc bos.rte' | ioscli oem_setup_env");
    assert!(text.starts_with("bos.rte:bos.rte:7.2.5.200:") && status == 0, "{text}");
    let frame = world.frames.get_mut("frame1").unwrap();
    let server = frame.vioses.get_mut("vios1a").unwrap();
    server.faults.insert(ConsoleFault::ViosUnreadable);
    assert_eq!(answer(&world, "ioslevel").1, 4);
}

//! Whether cloud-init would take a filled-in template: is it YAML, and does it know the keys?
//! Older ones (22.4) ignore a mistyped key without a word, and the server comes up without what it asked for.

use serde_yaml::Value;

use super::complaint::nearest;

/// The top-level keys, of 22.4 and 26.1 together. Source: cloud-init, `schema-cloud-config-v1.json`.
const KEYS: &str = "allow_public_ssh_keys ansible apk_repos apt apt_pipelining apt_reboot_if_required apt_update \
apt_upgrade authkey_hash autoinstall bootcmd byobu_by_default ca-certs ca_certs chef chpasswd cloud_config_modules \
cloud_final_modules cloud_init_modules create_hostname_file device_aliases disable_ec2_metadata disable_piwiz \
disable_root disable_root_opts disk_setup drivers enable_rpi_connect fan final_message fqdn fs_setup groups growpart \
grub-dpkg grub_dpkg hostname keyboard landscape launch-index locale locale_configfile lxd manage_etc_hosts \
manage_resolv_conf mcollective merge_how merge_type migrate mount_default_fields mounts no_ssh_fingerprints ntp output \
package_reboot_if_required package_update package_upgrade packages password phone_home power_state \
prefer_fqdn_over_hostname preserve_hostname puppet random_seed reporting resize_rootfs resolv_conf rh_subscription \
rpi_interfaces rpi_userconf rsyslog runcmd salt_minion snap spacewalk ssh ssh_authorized_keys ssh_deletekeys \
ssh_fp_console_blacklist ssh_genkeytypes ssh_import_id ssh_key_console_blacklist ssh_keys ssh_publish_hostkeys \
ssh_pwauth ssh_quiet_keygen swap system_info timezone ubuntu_advantage ubuntu_pro updates user users vendor_data \
version wireguard write_files yum_repo_dir yum_repos zypper";

/// What cloud-init would not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; hint: {cure}")]
pub struct BadYaml {
    /// The line of the template, from 1, if it can be told.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub cure: String,
}

/// Looks at user-data, and finds the line to blame in the template it was made from. Returns all that it says, without
/// YAML's comments; a script is not looked at.
pub fn check(filled: &str, template: &str) -> Result<String, BadYaml> {
    if !filled.starts_with("#cloud-config\n") {
        return Ok(filled.to_owned());
    }
    let bad = |line: Option<usize>, message: String, cure: String| Err(BadYaml { line, message, cure });
    let value: Value = serde_yaml::from_str(filled).map_err(|error| no_yaml(filled, template, &error))?;
    let Value::Mapping(map) = &value else {
        return bad(
            None,
            "filled in, it is not a YAML mapping".to_owned(),
            "begin with `runcmd:` or so".to_owned(),
        );
    };
    for key in map.keys() {
        let word = key.as_str().unwrap_or_default();
        if KEYS.split(' ').any(|known| known == word) {
            continue;
        }
        let line = template.lines().position(|line| line.starts_with(&format!("{word}:")));
        let cure = match nearest(word, KEYS.split(' ')) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "look it up in cloud-init's documentation".to_owned(),
        };
        return bad(line.map(|line| line + 1), format!("cloud-init knows no `{word}`"), cure);
    }
    let mut said = String::new();
    gather(&value, &mut said);
    Ok(said)
}

/// The place is that of the user-data: the template's is a line that reads the same, if there is but one.
fn no_yaml(filled: &str, template: &str, error: &serde_yaml::Error) -> BadYaml {
    let message = format!("filled in, it is not YAML: {error}");
    // What stands twice is reported for the mapping's first line; the second one is to blame.
    let twice = message.split_once("duplicate entry with key \"").and_then(|(_, rest)| rest.split_once('"'));
    if let Some((key, _)) = twice {
        let line = template.lines().collect::<Vec<_>>();
        let line = line.iter().rposition(|line| line.starts_with(&format!("{key}:")));
        let cure = "a key stands once: put what belongs to it together".to_owned();
        return BadYaml {
            line: line.map(|line| line + 1),
            message: format!("`{key}` stands there twice"),
            cure,
        };
    }
    let shown = error.location().and_then(|place| filled.lines().nth(place.line().saturating_sub(1)));
    let mut same = template.lines().enumerate().filter(|(_, line)| Some(*line) == shown);
    let line = same.next().filter(|_| same.next().is_none()).map(|(n, _)| n + 1);
    BadYaml { line, message, cure: "count the spaces: what stands in a block keeps its own".to_owned() }
}

/// Every text in it.
fn gather(value: &Value, said: &mut String) {
    match value {
        Value::String(text) => said.extend([text, "\n"]),
        Value::Sequence(list) => list.iter().for_each(|value| gather(value, said)),
        Value::Mapping(map) => map.values().for_each(|value| gather(value, said)),
        Value::Tagged(tagged) => gather(&tagged.value, said),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

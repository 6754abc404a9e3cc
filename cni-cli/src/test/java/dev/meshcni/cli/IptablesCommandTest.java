// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IptablesCommandTest {
    @Test
    void withoutFlagsOnlyTheProxysOwnChainsAreMade() {
        List<String> rules = dryRun(Map.of());

        assertThat(rules)
                .startsWith("# ipv4", "*nat")
                .contains("-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001")
                .noneMatch(rule -> rule.startsWith("-A PREROUTING"))
                .noneMatch(rule -> rule.endsWith("-j ISTIO_REDIRECT"));
    }

    @Test
    void shortAndLongFlagsMeanTheSame() {
        assertThat(dryRun(Map.of(), "-p", "1", "-z", "2", "-b", "*", "-i", "*", "-u", "5,6", "-o", "7"))
                .isEqualTo(dryRun(
                        Map.of(),
                        "--envoy-port=1",
                        "--inbound-capture-port=2",
                        "--istio-inbound-ports=*",
                        "--istio-service-cidr=*",
                        "--proxy-uid=5,6",
                        "--istio-local-outbound-ports-exclude=7"))
                .contains("-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 1");
    }

    @Test
    void aFlagCanComeAsAVariable() {
        List<String> rules = dryRun(Map.of("ISTIO_INBOUND_PORTS", "8080", "PROXY_UID", "42"));

        assertThat(rules)
                .contains("-A ISTIO_INBOUND -p tcp --dport 8080 -j ISTIO_IN_REDIRECT")
                .anyMatch(rule -> rule.contains("--uid-owner 42"));
    }

    @Test
    void theCommandLineWinsOverTheVariable() {
        List<String> rules = dryRun(Map.of("ISTIO_INBOUND_PORTS", "8080"), "-b", "9090");

        assertThat(rules)
                .contains("-A ISTIO_INBOUND -p tcp --dport 9090 -j ISTIO_IN_REDIRECT")
                .noneMatch(rule -> rule.contains("8080"));
    }

    @Test
    void anEmptyValueOnTheCommandLineTakesBackTheVariable() {
        assertThat(dryRun(Map.of("ISTIO_INBOUND_PORTS", "*"), "-b", ""))
                .noneMatch(rule -> rule.startsWith("-A PREROUTING"));
    }

    @ParameterizedTest
    @CsvSource({
        "INVALID_DROP, ISTIO_DROP",
        "DROP_INVALID, ISTIO_DROP",
        "ISTIO_DUAL_STACK, # ipv6",
        "DUAL_STACK, # ipv6",
    })
    void aSwitchCanComeAsEitherOfItsVariables(String variable, String effect) {
        assertThat(dryRun(Map.of(variable, "true"))).anyMatch(line -> line.contains(effect));
        assertThat(dryRun(Map.of(variable, "false"))).noneMatch(line -> line.contains(effect));
    }

    @Test
    void aVariableThatIsNeitherTrueNorFalseDoesNotCount() {
        assertThat(dryRun(Map.of("INVALID_DROP", "perhaps"))).isEqualTo(dryRun(Map.of()));
    }

    @Test
    void aSwitchOnTheCommandLineTakesBackItsVariable() {
        assertThat(dryRun(Map.of("INVALID_DROP", "true"), "--drop-invalid=false"))
                .isEqualTo(dryRun(Map.of()));
    }

    @Test
    void dnsIsRedirectedForTheServersThatAreNamed() {
        List<String> rules = dryRun(Map.of(), "--redirect-dns", "--dns-servers", "10.96.0.10");

        assertThat(rules)
                .contains("-A ISTIO_OUTPUT_DNS -d 10.96.0.10/32 -p udp --dport 53 -j REDIRECT --to-ports 15053");
    }

    @Test
    void aDryRunDoesNotAskTheMachineForItsResolvers() {
        assertThat(dryRun(Map.of(), "--redirect-dns")).isEqualTo(dryRun(Map.of()));
    }

    @Test
    void allDnsIsRedirectedWhenThatIsAskedFor() {
        assertThat(dryRun(Map.of("ISTIO_META_DNS_CAPTURE", "true"), "--capture-all-dns"))
                .contains("-A ISTIO_OUTPUT_DNS -p udp --dport 53 -j REDIRECT --to-ports 15053");
    }

    @Test
    void groupsCanBeNamed() {
        List<String> rules = dryRun(Map.of("ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE", "root,202"));

        assertThat(rules)
                .contains(
                        "-A ISTIO_OUTPUT -m owner --gid-owner 0 -j RETURN",
                        "-A ISTIO_OUTPUT -m owner --gid-owner 202 -j RETURN");
    }

    @Test
    void tproxyIsAnInterceptionMode() {
        assertThat(dryRun(Map.of(), "-m", "TPROXY", "-b", "*", "-t", "7"))
                .anyMatch(rule -> rule.contains("-j TPROXY --on-port 15006 --tproxy-mark 0x7"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "-p|65536|--envoy-port",
                "-u|proxy|--proxy-uid",
                "-m|NONE|--istio-inbound-interception-mode",
                "-b|80;81|--istio-inbound-ports",
                "-i|10.0.0.0/33|--istio-service-cidr",
                "-c|eth0 -j ACCEPT|--istio-exclude-interfaces",
                "-t|0|--istio-inbound-tproxy-mark",
                "--dns-servers|dns.example|--dns-servers",
                "--ip-families|ipv5|--ip-families",
                "--drop-invalid|maybe|--drop-invalid",
            })
    void aWrongValueIsAUsageErrorThatNamesTheFlagAndQuotesTheValue(String flag, String value, String name) {
        Run run = Run.meshcni("iptables", "--dry-run", "--redirect-dns", flag + "=" + value);

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("flag " + name).contains(value);
    }

    @Test
    void aWrongVariableIsNamed() {
        Run run = Run.meshcni(Map.of("ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR", "10.0.0.0/8"), "iptables", "--dry-run");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .contains("variable ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR")
                .contains("127.0.0.0/8");
    }

    @Test
    void aCombinationThatCannotWorkFails() {
        Run run = Run.meshcni("iptables", "--dry-run", "-m", "TPROXY", "-t", "1338");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("marks must be positive and differ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--log_output_level=default:info",
                "--log_as_json",
                "--cni-mode",
                "--restore-format=false",
                "--iptables-trace-logging",
                "--host-nsenter-exec",
                "--force-legacy-iptables"
            })
    void whatIstioPutsOnTheCommandLineIsAccepted(String flag) {
        assertThat(dryRun(Map.of(), flag)).isEqualTo(dryRun(Map.of()));
    }

    @Test
    void aDryRunOfTheCleanUpPrintsNoRules() {
        assertThat(dryRun(Map.of(), "--cleanup-only")).isEmpty();
    }

    @Test
    void validationOfAnotherNamespaceIsRefused() {
        Run run = Run.meshcni("iptables", "--run-validation", "--network-namespace", "/proc/1/ns/net");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--run-validation");
    }

    private static List<String> dryRun(Map<String, String> environment, String... flags) {
        String[] arguments = new String[flags.length + 2];
        arguments[0] = "iptables";
        arguments[1] = "--dry-run";
        System.arraycopy(flags, 0, arguments, 2, flags.length);
        Run run = Run.meshcni(environment, arguments);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        return run.out().lines().toList();
    }
}

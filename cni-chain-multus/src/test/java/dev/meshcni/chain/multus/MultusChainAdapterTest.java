// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.chain.multus;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.contract.ChainAdapterContract;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class MultusChainAdapterTest {
    private static final Map<String, String> MULTUS = Map.of("00-multus.conf", """
            {
              "capabilities": {"portMappings": true},
              "cniVersion": "0.3.1",
              "clusterNetwork": "/host/etc/cni/net.d/10-flannel.conflist",
              "name": "multus-cni-network",
              "type": "multus-shim"
            }\
            """, "10-flannel.conflist", """
            {"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel"},{"type":"portmap"}]}
            """);

    private static final Map<String, String> THIN = Map.of("00-multus.conf", """
            {
              "cniVersion": "0.3.1",
              "name": "multus-cni-network",
              "type": "multus",
              "kubeconfig": "/etc/cni/net.d/multus.d/multus.kubeconfig",
              "delegates": [
                {"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel"},{"type":"portmap"}]}
              ]
            }\
            """, "10-flannel.conflist", """
            {"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel"},{"type":"portmap"}]}
            """);

    /** With a configuration of its own, next to another network's. */
    @Nested
    class Standalone extends ChainAdapterContract {
        @Override
        protected ChainAdapter adapter() {
            return new MultusChainAdapter();
        }

        @Override
        protected InstallSettings settings() {
            return new InstallSettings(false, "", entry("info"));
        }

        @Override
        protected Map<String, String> baseFiles() {
            return Map.of(
                    "00-multus.conf",
                    MULTUS.get("00-multus.conf"),
                    "10-macvlan.conf",
                    "{\"cniVersion\":\"0.3.1\",\"name\":\"macvlan\",\"type\":\"macvlan\"}\n");
        }

        @Override
        protected AttachmentContext typicalAttachment() {
            return new AttachmentContext("net1", "/var/run/netns/cni-1", Optional.empty());
        }

        @Test
        void theFileOfThePageIsWhatComesOut() throws IOException {
            String page = Files.readString(Path.of("../docs/adapters/multus.md"));
            String file = page.substring(page.indexOf("```json\n") + 8, page.indexOf("```\n"));
            ObjectNode entry = CniJson.lenientObject(file).without("cniVersion");
            InstallSettings settings = new InstallSettings(false, "", entry);

            assertThat(entry.path("chain_adapter").asText()).isEqualTo(adapter().name());
            assertThat(adapter().install(ConfDirSnapshot.of(DIR, Map.of()), settings))
                    .isEqualTo(new InstallPlan.Edits(
                            List.of(new FileEdit.Write("YYY-istio-cni.conf", file, "YYY-istio-cni.conf"))));
        }

        @Test
        void aNameWithTheEndingOfAListHoldsAList() {
            InstallSettings named = new InstallSettings(false, "istio-cni.conflist", entry("info"));
            ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of());

            InstallPlan.Edits plan = (InstallPlan.Edits) adapter().install(dir, named);

            assertThat(dir.after(plan.edits()).primary().orElseThrow().list().plugins())
                    .hasSize(1);
        }

        @Test
        void aFileThatHoldsAnotherNetworkIsNotOverwritten() {
            InstallSettings named = new InstallSettings(false, "10-macvlan.conf", entry("info"));

            assertThat(adapter().install(ConfDirSnapshot.of(DIR, baseFiles()), named))
                    .isEqualTo(new InstallPlan.Refuse("10-macvlan.conf", "it contains the network of another plugin"));
        }

        @Test
        void aFileThatNothingWouldCallIsNotWritten() {
            ConfDirSnapshot dir =
                    ConfDirSnapshot.of(DIR, Map.of("10-flannel.conflist", MULTUS.get("10-flannel.conflist")));
            InstallSettings forced = new InstallSettings(false, "", entry("info"), true);

            assertThat(adapter().install(dir, settings()))
                    .isInstanceOfSatisfying(
                            InstallPlan.Wait.class,
                            wait -> assertThat(wait.what())
                                    .contains("Multus in " + DIR, "nothing else would call", "--force-unchained-conf"));
            ConfDirSnapshot after = dir.after(((InstallPlan.Edits) adapter().install(dir, forced)).edits());
            assertThat(adapter().findings(after, settings()))
                    .extracting(Finding::what)
                    .anySatisfy(what -> assertThat(what).contains("YYY-istio-cni.conf is called by nothing"));
        }

        @Test
        void aFileThatWouldBeTheNetworkOfPodsIsNotWritten() {
            ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, MULTUS);
            InstallSettings first = new InstallSettings(false, "00-istio.conf", entry("info"));
            InstallSettings forced = new InstallSettings(false, "00-istio.conf", entry("info"), true);

            assertThat(adapter().install(dir, first))
                    .isInstanceOfSatisfying(
                            InstallPlan.Refuse.class,
                            refuse -> assertThat(refuse.reason()).contains("before 00-multus.conf", "network of pods"));
            assertThat(adapter().install(dir, forced)).isInstanceOf(InstallPlan.Edits.class);
            assertThat(adapter().install(ConfDirSnapshot.of(Path.of("/etc/cni/multus/net.d"), MULTUS), first))
                    .isInstanceOf(InstallPlan.Edits.class);
        }

        @Test
        void anEarlierChainedInstallationIsTakenBack() {
            ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, MULTUS);
            InstallSettings chained = InstallSettings.chainedInto(entry("info"));
            ConfDirSnapshot installed = dir.after(((InstallPlan.Edits) adapter().install(dir, chained)).edits());

            ConfDirSnapshot after =
                    installed.after(((InstallPlan.Edits) adapter().install(installed, settings())).edits());

            assertThat(after.files())
                    .extracting(file -> file.name())
                    .containsExactly("00-multus.conf", "10-flannel.conflist", "YYY-istio-cni.conf");
        }

        @Test
        void aDirectoryWithNothingElseInItIsAnErrorForARuntime() {
            ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of());
            ConfDirSnapshot installed = dir.after(((InstallPlan.Edits) adapter().install(dir, settings())).edits());

            assertThat(adapter().findings(installed, settings()))
                    .anySatisfy(finding -> assertThat(finding.what()).contains("nothing but istio-cni"));
        }

        @Test
        void theDefinitionThatPodsNeedIsNamed() {
            assertThat(adapter().findings(ConfDirSnapshot.of(DIR, baseFiles()), settings()))
                    .extracting(Finding::what)
                    .anySatisfy(what -> assertThat(what).contains("NetworkAttachmentDefinition called istio-cni"));
        }
    }

    /** With a Multus that is a plugin of its own (thin), and holds a copy of the default network. */
    @Nested
    class ChainedThin extends Chained {
        @Override
        protected Map<String, String> baseFiles() {
            return THIN;
        }

        @Test
        void multusRewritingItsOwnFileIsAWarning() {
            assertThat(adapter().findings(ConfDirSnapshot.of(DIR, THIN), settings()))
                    .anySatisfy(finding -> {
                        assertThat(finding.severity()).isEqualTo(Finding.Severity.WARNING);
                        assertThat(finding.what()).startsWith("Multus writes 00-multus.conf itself");
                    });
        }
    }

    /** With a Multus that runs as a daemon (thick), and names the default network's file. */
    @Nested
    class ChainedThick extends Chained {
        @Override
        protected Map<String, String> baseFiles() {
            return MULTUS;
        }

        @Test
        void theDefaultNetworkGetsThePluginAndTheFileThatMultusRemovesStaysAsItIs() {
            ConfDirSnapshot after = installed(MULTUS);

            assertThat(text(after, "00-multus.conf")).isEqualTo(MULTUS.get("00-multus.conf"));
            assertThat(types(after, "10-flannel.conflist")).containsExactly("flannel", "portmap", "istio-cni");
            assertThat(adapter().detect(after, settings()).file()).isEqualTo("10-flannel.conflist");
        }

        @Test
        void nothingIsWrongWithThat() {
            assertThat(adapter().findings(installed(MULTUS), settings()))
                    .extracting(Finding::severity)
                    .containsOnly(Finding.Severity.INFO);
        }

        @Test
        void aListThatWasMadeOfTheFileOfMultusBecomesThatFileAgain() {
            InstallSettings intoMultus = new InstallSettings(true, "00-multus.conf", entry("info"));
            ConfDirSnapshot lifted = ConfDirSnapshot.of(DIR, MULTUS);
            lifted = lifted.after(((InstallPlan.Edits) adapter().install(lifted, intoMultus)).edits());
            assertThat(types(lifted, "00-multus.conflist")).containsExactly("multus-shim", "istio-cni");

            ConfDirSnapshot after = lifted.after(((InstallPlan.Edits) adapter().install(lifted, settings())).edits());

            assertThat(text(after, "00-multus.conf")).isEqualTo(MULTUS.get("00-multus.conf"));
            assertThat(after.file("00-multus.conflist")).isEmpty();
            assertThat(types(after, "10-flannel.conflist")).endsWith("istio-cni");
        }

        @Test
        void aDefaultNetworkThatIsNotThereYetIsWaitedFor() {
            ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("00-multus.conf", MULTUS.get("00-multus.conf")));

            assertThat(adapter().install(dir, settings()))
                    .isEqualTo(
                            new InstallPlan.Wait("the configuration of Multus's default network, 10-flannel.conflist"));
        }

        @Test
        void aDefaultNetworkThatIsNoListIsRefused() {
            ConfDirSnapshot dir = ConfDirSnapshot.of(
                    DIR,
                    Map.of(
                            "00-multus.conf",
                            MULTUS.get("00-multus.conf").replace("10-flannel.conflist", "10-ptp.conf"),
                            "10-ptp.conf",
                            "{\"cniVersion\":\"0.3.1\",\"name\":\"pods\",\"type\":\"ptp\"}"));

            assertThat(adapter().install(dir, settings())).isInstanceOfSatisfying(InstallPlan.Refuse.class, refusal -> {
                assertThat(refusal.file()).isEqualTo("00-multus.conf");
                assertThat(refusal.reason()).contains("Multus removes it when it stops", "chained-cni-plugin=false");
            });
        }

        private ConfDirSnapshot installed(Map<String, String> files) {
            ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, files);
            return dir.after(((InstallPlan.Edits) adapter().install(dir, settings())).edits());
        }

        private static String text(ConfDirSnapshot dir, String file) {
            return dir.file(file).flatMap(ConfFile::network).orElseThrow().text();
        }

        private static List<String> types(ConfDirSnapshot dir, String file) {
            return dir.file(file).flatMap(ConfFile::network).orElseThrow().plugins().stream()
                    .map(NetworkConfigList.Plugin::type)
                    .toList();
        }
    }

    /** Where the runtime calls Multus. */
    abstract static class Chained extends ChainAdapterContract {
        @Override
        protected ChainAdapter adapter() {
            return new MultusChainAdapter();
        }

        @Override
        protected AttachmentContext typicalAttachment() {
            CniResult result = CniResult.parse(
                    CniJson.lenientObject(
                            "{\"cniVersion\":\"0.3.1\",\"ips\":[{\"version\":\"4\",\"address\":\"10.244.0.7/24\"}]}"),
                    SpecVersion.latest());
            return new AttachmentContext("eth0", "/var/run/netns/cni-1", Optional.of(result));
        }
    }
}

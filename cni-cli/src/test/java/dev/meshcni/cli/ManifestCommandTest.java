package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestCommandTest {
    @TempDir
    private Path directory;

    @Test
    void aFileBecomesAStreamOfResources() throws IOException {
        Run run = Run.meshcni("manifest", "-f", operator("cniBinDir: /home/kubernetes/bin"));

        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out())
                .startsWith("# Made by meshcni manifest")
                .contains("kind: \"DaemonSet\"", "namespace: \"kube-system\"", "path: \"/home/kubernetes/bin\"");
    }

    @Test
    void theSameSettingsGiveTheSameBytes() throws IOException {
        String file = operator("chained: true");

        assertThat(Run.meshcni("manifest", "-f", file).out())
                .isEqualTo(Run.meshcni("manifest", "-f", file).out());
    }

    @Test
    void aMisspeltKeyIsNamedWithItsPlaceAndWhatWasMeant() throws IOException {
        String file = operator("cniBinDirr: /opt/cni/bin");

        Run run = Run.meshcni("manifest", "-f", file);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err())
                .isEqualToIgnoringNewLines(
                        file + ":10:7: there is no key values.cni.cniBinDirr, did you mean cniBinDir?");
    }

    @Test
    void aKeyLikeNoneIsNamedWithThoseThatThereAre() throws IOException {
        Run run = Run.meshcni("manifest", "-f", operator("repair: {colour: red}"));

        assertThat(run.err()).contains("there is no key values.cni.repair.colour; known here: ", "deletePods");
    }

    @Test
    void aSettingOnTheCommandLineWins() throws IOException {
        Run run = Run.meshcni(
                "manifest", "-f", operator("chained: true"), "--set", "values.cni.chained=false", "--platform", "k3s");

        assertThat(run.out()).contains("CHAINED_CNI_PLUGIN: \"false\"", "/var/lib/rancher/k3s/data/cni");
    }

    @Test
    void aWrongSettingIsNamed() {
        Run run = Run.meshcni("manifest", "--set", "values.cni.chaned=false");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err())
                .contains("--set values.cni.chaned=false: there is no key values.cni.chaned, did you mean chained?");
    }

    @Test
    void aPlatformThatIsNotKnownIsAUsageError() {
        Run run = Run.meshcni("manifest", "--platform", "vax");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--platform").contains("vax");
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        Run run = Run.meshcni("manifest", "-f", directory.resolve("none.yaml").toString());

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("none.yaml");
    }

    private String operator(String setting) throws IOException {
        Path file = directory.resolve("operator.yaml");
        String text = """
                apiVersion: install.istio.io/v1alpha1
                kind: IstioOperator
                spec:
                  components:
                    cni:
                      enabled: true
                      namespace: kube-system
                  values:
                    cni:
                      %s
                """.formatted(setting);
        return Files.writeString(file, text).toString();
    }
}

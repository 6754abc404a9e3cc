// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.meshcni.config.DaemonException;
import dev.meshcni.testkit.FakeApiServer;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.Config;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LivePodsTest {
    private static final Optional<String> SHOP = Optional.of("shop");

    @TempDir
    private Path directory;

    private FakeApiServer server;
    private Config access;

    @BeforeEach
    void start() throws IOException {
        server = new FakeApiServer();
        access = ClientConfig.of(Optional.of(server.kubeconfig(directory)), Optional.empty(), Duration.ofSeconds(5));
        create("shop");
        create("default");
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    @Test
    void aPodIsReadWithItsAddresses() {
        PodManifests.Shown shown = LivePods.get(access, SHOP, "web-0");

        assertThat(shown.pod().qualifiedName()).isEqualTo("shop/web-0");
        assertThat(shown.pod().containers()).hasSize(1);
        assertThat(shown.addresses()).hasToString("[/10.1.2.3]");
    }

    @Test
    void withoutANamespaceItIsThatOfTheContextElseDefault() {
        assertThat(LivePods.get(access, Optional.empty(), "web-0").pod().qualifiedName())
                .isEqualTo("default/web-0");

        access.setNamespace("shop");
        assertThat(LivePods.get(access, Optional.empty(), "web-0").pod().qualifiedName())
                .isEqualTo("shop/web-0");
    }

    @Test
    void oneThatIsNotThereIsAnErrorThatNamesItAndTheCluster() {
        assertThatExceptionOfType(DaemonException.class)
                .isThrownBy(() -> LivePods.get(access, SHOP, "web-1"))
                .withMessage("no pod shop/web-1 in the cluster at " + access.getMasterUrl()
                        + "; name its namespace with -n");
    }

    @Test
    void aRightThatIsMissingIsNamed() {
        server.fail(FakeApiServer.Call::isGetOfPod, 1, 403);

        assertThatExceptionOfType(DaemonException.class)
                .isThrownBy(() -> LivePods.get(access, SHOP, "web-0"))
                .withMessageContaining("cannot read pod shop/web-0 from ")
                .withMessageEndingWith("your account lacks get on pods (403)");
    }

    @Test
    void aServerThatIsAwayIsAnErrorAtOnce() throws IOException {
        server.close();

        assertThatExceptionOfType(DaemonException.class)
                .isThrownBy(() -> LivePods.get(access, SHOP, "web-0"))
                .withMessageContaining("cannot connect to the API server");
    }

    private void create(String namespace) {
        server.create(new PodBuilder()
                .withNewMetadata()
                .withNamespace(namespace)
                .withName("web-0")
                .endMetadata()
                .withNewSpec()
                .withNodeName(FakeApiServer.NODE)
                .addNewContainer()
                .withName("app")
                .endContainer()
                .endSpec()
                .withNewStatus()
                .addNewPodIP("10.1.2.3")
                .endStatus()
                .build());
    }
}

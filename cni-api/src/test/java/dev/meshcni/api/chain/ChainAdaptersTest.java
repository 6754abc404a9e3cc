// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.CniJson;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.spi.ChainAdapter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ChainAdaptersTest {
    private static final InstallSettings SETTINGS =
            InstallSettings.chainedInto(CniJson.lenientObject("{\"type\":\"istio-cni\"}"));
    private static final ConfDirSnapshot DIR = ConfDirSnapshot.of(
            Path.of("/etc/cni/net.d"), Map.of("10-x.conflist", "{\"name\":\"x\",\"plugins\":[{\"type\":\"x\"}]}"));

    private record Sure(String name, Detection detection) implements ChainAdapter {
        @Override
        public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
            return detection;
        }
    }

    @Test
    void theGenericOneIsAlwaysThere() {
        assertThat(ChainAdapters.installed().named("generic")).containsInstanceOf(GenericChainAdapter.class);
    }

    @Test
    void anAdapterThatIsCertainComesBeforeTheGenericOne() {
        assertThat(chosen(new GenericChainAdapter(), new Sure("x", Detection.certain("10-x.conflist", "because"))))
                .isEqualTo("x");
    }

    @Test
    void theGenericOneComesBeforeThoseThatDoNotClaim() {
        assertThat(chosen(new Sure("a", Detection.none()), new GenericChainAdapter()))
                .isEqualTo("generic");
    }

    @Test
    void ofTwoThatAreCertainTheFirstByNameAnswers() {
        Detection certain = Detection.certain("10-x.conflist", "because");

        assertThat(chosen(new Sure("b", certain), new Sure("a", certain))).isEqualTo("a");
    }

    @Test
    void nobodyAnswersForAConfigurationOfOurOwnWithoutAnAdapterForIt() {
        InstallSettings standalone = new InstallSettings(false, "", SETTINGS.entry());

        assertThat(new ChainAdapters(List.of(new GenericChainAdapter())).choose(DIR, standalone))
                .isEmpty();
    }

    private static String chosen(ChainAdapter... adapters) {
        return new ChainAdapters(List.of(adapters))
                .choose(DIR, SETTINGS)
                .orElseThrow()
                .adapter()
                .name();
    }
}

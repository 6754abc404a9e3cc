// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.CniResult;
import dev.meshcni.api.IpNet;
import dev.meshcni.api.chain.GenericChainAdapter;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GenericChainAdapterTest extends ChainAdapterContract {
    @Override
    protected ChainAdapter adapter() {
        return new GenericChainAdapter();
    }

    @Override
    protected Map<String, String> baseFiles() {
        return Map.of("10-weave.conflist", """
                {
                    "cniVersion": "0.3.0",
                    "name": "weave",
                    "plugins": [
                        {
                            "name": "weave",
                            "type": "weave-net",
                            "hairpinMode": true
                        },
                        {
                            "type": "portmap",
                            "capabilities": {"portMappings": true},
                            "snat": true
                        }
                    ]
                }
                """);
    }

    @Override
    protected AttachmentContext typicalAttachment() {
        return new AttachmentContext(
                "eth0",
                "/run/netns/a",
                Optional.of(
                        CniResult.of(List.of(), List.of(CniResult.Ip.of(IpNet.parse("10.32.0.5/12"), 0)), List.of())));
    }

    @Override
    protected boolean isSpecific() {
        return false;
    }

    @Test
    void itIsChosenLast() {
        assertThat(adapter().detect(ConfDirSnapshot.of(DIR, baseFiles()), settings()))
                .isEqualTo(new Detection(
                        Detection.Confidence.FALLBACK, "10-weave.conflist", "network \"weave\" of weave-net"));
    }

    @Test
    void anEmptyDirectoryIsItsToWaitFor() {
        assertThat(adapter()
                        .detect(ConfDirSnapshot.of(DIR, Map.of()), settings())
                        .claimed())
                .isTrue();
    }

    @Test
    void aConfigurationOfOurOwnIsNotItsBusiness() {
        InstallSettings standalone = new InstallSettings(false, "", entry("info"));

        assertThat(adapter()
                        .detect(ConfDirSnapshot.of(DIR, baseFiles()), standalone)
                        .claimed())
                .isFalse();
    }
}

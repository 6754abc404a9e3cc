// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

import dev.meshcni.testkit.PublicApi;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What authors of backends and pod sources compile against changes only on purpose: see docs/versioning.md. */
class PublicSpiTest {
    @Test
    void isTheOneThatIsRecorded() throws IOException {
        PublicApi.of("cni-core", PodSource.class.getClassLoader(), "dev.meshcni.core.spi")
                .isRecordedIn("src/test/resources/public-api.txt");
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import dev.meshcni.testkit.PublicApi;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What authors of chain adapters compile against changes only on purpose: see docs/versioning.md. */
class PublicApiTest {
    @Test
    void isTheOneThatIsRecorded() throws IOException {
        PublicApi.of(
                        CniRequest.class.getClassLoader(),
                        "dev.meshcni.api",
                        "dev.meshcni.api.chain",
                        "dev.meshcni.api.conf",
                        "dev.meshcni.api.spi")
                .isRecordedIn(Path.of("src/test/resources/public-api.txt"));
    }
}

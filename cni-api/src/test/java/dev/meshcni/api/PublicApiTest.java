// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.PublicApi;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;

/** What authors of chain adapters compile against changes only on purpose: see docs/versioning.md. */
class PublicApiTest {
    /** The major version of its class files (JVM specification 21, section 4.1). */
    private static final int JAVA_21 = 65;

    @Test
    void isTheOneThatIsRecorded() throws IOException {
        PublicApi.of(
                        "cni-api",
                        CniRequest.class.getClassLoader(),
                        "dev.meshcni.api",
                        "dev.meshcni.api.chain",
                        "dev.meshcni.api.conf",
                        "dev.meshcni.api.exec",
                        "dev.meshcni.api.spi")
                .isRecordedIn("src/test/resources/public-api.txt");
    }

    @Test
    void needsJava21Only() throws IOException {
        try (InputStream type = CniRequest.class.getResourceAsStream("CniRequest.class")) {
            byte[] header = type.readNBytes(8);

            assertThat(header[7]).isEqualTo((byte) JAVA_21);
        }
    }
}

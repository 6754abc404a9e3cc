// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** The version of this build. */
public final class ProductVersion implements IVersionProvider {
    /** For picocli, which creates one by reflection. */
    public ProductVersion() {}

    @Override
    public String[] getVersion() {
        return new String[] {"mesh-cni " + text()};
    }

    /** The version as the build has it, such as {@code 0.1.0}. */
    public static String text() {
        try (InputStream in = ProductVersion.class.getResourceAsStream("version.properties")) {
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version");
        } catch (IOException e) {
            throw new UncheckedIOException("the version of this build cannot be read", e);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.util.ContextInitializer;
import ch.qos.logback.core.joran.spi.JoranException;
import java.util.Properties;
import org.slf4j.LoggerFactory;

/**
 * System properties and logging, which commands change for as long as their process lives: as they were at the start.
 */
final class JvmState {
    private final Properties properties = copy(System.getProperties());

    void restore() {
        System.setProperties(copy(properties));
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        try {
            new ContextInitializer(context).autoConfig();
        } catch (JoranException e) {
            throw new IllegalStateException("the logging configuration of tests cannot be read", e);
        }
    }

    private static Properties copy(Properties properties) {
        return (Properties) properties.clone();
    }
}

"""Wire codecs, one file for each protocol: pure translation without sockets."""

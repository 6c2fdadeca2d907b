drop table dispatchers;
